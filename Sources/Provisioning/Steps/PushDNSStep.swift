import Jobs
import Lab
import OpenStack
import Pipelines
import Resilience
import World

extension NodeWork {
    /// Sees to it that the name points to a server that has the node: a push of this job may have been on its way for
    /// long and come after that server's own.
    /// - Parameters:
    ///   - isCommitted: whether paddles describes it. Else it may not be ready, and only a name that points to us
    ///     or is parked is wrong.
    ///   - seen: when that was looked up.
    func correctName(to server: Server, isCommitted: Bool, seen: Moment, _ run: StepRun) async throws {
        guard let dns = site.lab.dns, let address = provider.chosenAddress(of: server)?.address else { return }
        let name = try node()
        let short = try ShortName(name.short)
        let call = run.call.good(until: seen + Self.recordFreshness)
        let ours = isCommitted ? nil : known.addresses
        if try await dns.correct(short, to: address, from: ours, wasWritten: known.dnsWritten, for: call) {
            run.warning("\(name) pointed elsewhere than to server \(server.id), which has the node now: corrected")
        }
    }

    /// Gives the node's name the server's address.
    func pushDNS(_ run: StepRun) async throws -> String {
        let asked = world.time.now
        try await stillClaimed(run)
        guard let dns = site.lab.dns else { return "no nsupdate_url is configured: DNS is left alone" }
        guard let address = known.address else { throw Trouble("no-address", "the server has no address yet") }
        let name = try node()
        let push = try await dns.push(
            try ShortName(name.short), to: address, for: run.call.good(until: asked + Self.recordFreshness))
        remember(\.dnsWritten, true)
        addAddresses([address])
        run.created("dns", name: name.qualified, id: address.description)
        switch push {
        case .verified: return "\(name) is \(address)"
        case .verifiedDespite(let error): return "\(name) is \(address), although nsupdate-web said: \(error)"
        case .cured:
            run.warning("nsupdate-web's memory and DNS disagreed about \(name): cured")
            return "\(name) is \(address)"
        case .unverified(let why): return "\(name) is \(address) (\(why))"
        }
    }
}
