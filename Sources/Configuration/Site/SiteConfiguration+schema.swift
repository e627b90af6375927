import World
import YAMLKit

extension SiteConfiguration {
    /// Every key of `worker.yaml`, teuthology's own first.
    package static let schema = Schema<SiteConfiguration>(
        lab + queue + worker + nodes + [
            .section("libcloud", \.self, libcloud, "The clouds, in teuthology's own form.")
        ], foreign: TeuthologyKeys.site, isShared: true)

    private static let lab: [SchemaKey<SiteConfiguration>] = [
        .value(
            "lab_domain", \.labDomain, .domain,
            "The domain of all nodes. Names outside of it are refused before anything else happens."),
        .value("lock_server", \.lockServer, .url(isFolder: true), "paddles, which says who owns a node."),
        .optional(
            "nsupdate_url", \.nsupdateURL, .url(), otherwise: "none, no name is pushed",
            example: "http://nsupdate.front.sepia.ceph.com/update",
            "nsupdate-web, which gives the names their addresses."),
        .value(
            "reserve_machines", \.reserveMachines, .integer(in: 0...100_000),
            "Free nodes that are left alone when the owner of a job that locks begins with \"scheduled\", as teuthology does."
        ),
        .optional(
            "site", \.siteName, siteShape,
            otherwise: "made of lab_domain and lock_server, whose host must have a public name", example: "sepia",
            "Marks everything that we create. What carries another site's mark, or none, is never touched. The same for all "
                + "workers of a lab, and for no other lab that uses the same project."),
    ]

    private static let siteShape = Shape<String>(
        "a name of 1 to 200 characters",
        parse: { scalar in
            let isName =
                (1...200).contains(scalar.text.utf8.count) && scalar.text.unicodeScalars.allSatisfy { $0.value > 0x20 }
            return isName ? scalar.text : nil
        }, write: { .string($0) })

    private static let queue: [SchemaKey<SiteConfiguration>] = [
        .value("queue_host", \.queueHost, .text("a host name or address"), "beanstalkd, under teuthology's key."),
        .value("queue_port", \.queuePort, .integer(in: 1...65_535), "beanstalkd's port, under teuthology's key."),
        .optional(
            "broker", \.brokerOverride, .endpoint(defaultPort: 11_300, allowsUnix: true),
            otherwise: "queue_host and queue_port", example: .unix(path: "/run/beanstalkd.sock"),
            "beanstalkd, when it is not the one of queue_host, or listens on a socket of the file system."),
        .section("tubes", \.tubes, TubeSettings.schema, "Names in the broker. All workers of a site need the same."),
    ]

    private static let worker: [SchemaKey<SiteConfiguration>] = [
        .value(
            "slots", \.slots, .integer(in: 1...10_000),
            "Jobs that one process works on at once. A job that waits costs a few kilobytes, so this may be generous."),
        .optional(
            "destroy_slots", \.destroySlotsOverride, .integer(in: 0...10_000),
            otherwise: "a tenth of slots, at least 2, never all", example: 5,
            "Slots of these that take only destroys, so that provisions that wait never block what frees capacity."),
        .value(
            "waiting_connections", \.waitingConnections, .integer(in: 1...64),
            "Connections that wait for a job; each then becomes that job's own. More only loads the broker."),
        .value(
            "lease", \.lease, .duration(in: .seconds(10) ... .seconds(3_600)),
            "The longest time without an answer from the broker after which a worker still trusts its hold on a job. The "
                + "job's own TTR counts if it is shorter."),
        .value(
            "drain_grace", \.drainGrace, .duration(in: .zero ... .seconds(3_600)),
            "After SIGTERM, requests in flight may take this long. Below systemd's TimeoutStopSec of 90 s."),
        .value(
            "retry_for", \.retryFor, .duration(in: .seconds(1) ... .seconds(30 * 86_400)),
            "A job with passing trouble is put back for this long before it counts as failed. Time at a closed gate "
                + "does not count."),
        .value(
            "retry_base", \.retryBase, .duration(in: .milliseconds(10) ... .seconds(3_600)),
            "The first pause before something is tried again; it doubles, with full jitter."),
        .value(
            "retry_cap", \.retryCap, .duration(in: .milliseconds(10) ... .seconds(3_600)), "The longest such pause."),
        .value(
            "capacity_wait", \.capacityWait, .duration(in: .seconds(1) ... .seconds(30 * 86_400)),
            "A job may wait this long for a free node, quota or a host with room before it counts as failed."),
        .value(
            "capacity_delay", \.capacityDelay, .duration(in: .seconds(1) ... .seconds(86_400)),
            "How long a job that waits for capacity stays out of the queue each time."),
        .section("steps", \.steps, StepSettings.schema, "Limits of the steps of both pipelines."),
        .section("reports", \.reports, ReportSettings.schema, "What is kept about failed jobs."),
        .section(
            "burial_brake", \.burialBrake, BurialBrakeSettings.schema,
            "Stops a provider that buries job after job for one cause: then the site is broken, not the jobs."),
        .section(
            "sweep", \.sweep, SweepSettings.schema,
            "Removes what jobs that are gone left behind: at least an hour old, seen twice, unclaimed in paddles."),
        .section("http", \.http, HTTPSettings.schema, "Time limits of requests to all services."),
        .section("log", \.log, LogSettings.schema, "What is written to standard error."),
    ]

    private static let nodes: [SchemaKey<SiteConfiguration>] = [
        .section("defaults", \.defaults, OSDefaults.schema, "For jobs that do not say."),
        .section("dns", \.dns, DNSSettings.schema, "How names are pushed and checked."),
        .section("ssh", \.ssh, SSHSettings.schema, "When a node counts as ready, and who may log in."),
        .optional(
            "ssh_key", \.sshKey, .text("a path"), otherwise: "none", example: "~/.ssh/id_rsa",
            "teuthology's key for the private key; ssh.identity_file is stronger."),
        .section(
            "openstack", \.sizes, SizeSettings.schema,
            "The smallest machine and volumes, in teuthology's own form: each job can raise them, none can lower them. "
                + "Its other keys may stand here too."),
    ]

    private static let libcloud = Schema<SiteConfiguration>(
        [
            .named(
                "providers", \.providerSettings, ProviderSettings.schema, nameOf: { $0.name },
                make: { ProviderSettings(name: $0) }, example: .example,
                "One entry for each cloud, under the machine_type that its nodes have in paddles.")
        ], isShared: true)

    /// The declaration of every key with its default.
    package static var documents: [KeyDocument] { schema.documents(SiteConfiguration()) }

    /// `worker.yaml.example`, word for word.
    package static var exampleFile: String {
        ExampleText.write(
            documents,
            preamble: """
                worker.yaml: the configuration of Cirrata.

                Looked for as --config FILE, $CIRRATA_CONFIG, ./worker.yaml, ~/.config/cirrata/worker.yaml and
                /etc/cirrata/worker.yaml; the first that is there counts, and a teuthology.yaml may be named as well.
                Every key has a default: a short file is a good file. Keys that are commented out have none of their own.
                Durations: 90 or 90s, 5m, 1h30m. Secrets: the text, ${env:NAME} or ${file:PATH}.

                This file is made of the declaration of the keys; a test compares the two.
                """)
    }
}
