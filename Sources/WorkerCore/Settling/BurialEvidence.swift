package import Jobs
package import Pipelines

/// What a burial says against the site, and what must differ between several burials of one cause before they do. The only
/// place that classifies causes for the burial brake.
///
/// No author of jobs may be able to stop a provider for everybody. So a cause that the body alone decides is no evidence; one
/// that either the body or this host's configuration can have counts once for each owner; all others count once for each node.
package enum BurialEvidence: Sendable, Hashable {
    case owner(String)
    case node(String)

    /// - Returns: nil when the job is not to be buried, or when its end says nothing about the site.
    package init?(_ outcome: Outcome, of job: Job) {
        guard outcome.kind == .rejected || outcome.kind == .failed else { return nil }
        switch outcome.cause {
        case "malformed", "ttr-too-short", "bad-size", "not-a-vm", "wrong-machine-type":
            return nil
        case "no-image", "no-version":
            // What the job does not name is the site's default.
            if job.osType != nil || job.osVersion != nil { return nil }
        case "no-flavor":
            if job.wishes != SizeWishes() { return nil }
        case "node-unknown",
            // A name that the job has chosen was refused; or a host asks the paddles or nsupdate-web of another lab.
            "nsupdate-web-400", "nsupdate-web-403", "nsupdate-web-500", "nsupdate-web-permanent", "paddles-400",
            "paddles-404", "paddles-permanent", "dns-permanent", "ssh-permanent",
            // Sizes, counts and metadata come from the body as well as from the configuration.
            "nova-400", "nova-413", "cinder-400", "cinder-413":
            self = .owner(job.owner)
            return
        default:
            break
        }
        self = .node(job.node?.qualified ?? job.key)
    }
}
