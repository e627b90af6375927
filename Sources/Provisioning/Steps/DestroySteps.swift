import Jobs
import Lab
import OpenStack
import Pipelines
import Resilience
import World

extension NodeWork {
    /// Whether this job may destroy what the node has, and what that is: fixed here, never more.
    func guardDestroy(_ run: StepRun) async throws -> String {
        let name = try node()
        guard let record = try await paddles.node(name.qualified, for: run.call) else {
            try await nothingOf(name, run)
            throw Ending(.done, "not-ours", "\(name) is unknown to paddles: nothing to destroy")
        }
        guard record.isVM else { throw Ending(.done, "not-ours", "\(name) is not a VM: nothing to destroy") }
        let found = try await look(run)
        var condemned = Condemned(upTo: found)
        if provider.adoptsUnmarked {
            condemned.servers += found.unmarked.servers
            condemned.volumes += found.unmarked.volumes
        }
        if condemned.servers.isEmpty, !found.newer.servers.isEmpty {
            throw Ending(.superseded, "newer-job", "what \(name) has now was built by a newer job")
        }
        try judge(record, condemned)
        if claim.judge(record) == .free, condemned.servers.isEmpty, condemned.volumes.isEmpty {
            throw Ending(.done, "nothing-there", "\(name) is free and has nothing of ours")
        }
        remember(\.condemned, condemned)
        addAddresses(condemned.servers.flatMap(\.parsedAddresses))
        let beside = (site.lab.dns == nil ? [] : ["dns \(name)"]) + [Self.description(of: name.qualified)]
        remember(\.remains, condemned.labels + beside)
        return condemned.summary
    }

    /// A host that asks another paddles knows none of the lab's nodes: it must not take their destroys for done.
    private func nothingOf(_ name: NodeName, _ run: StepRun) async throws {
        let found = try await look(run)
        guard let server = found.own.servers.first ?? found.older.servers.first else { return }
        throw Ending(
            .rejected, "node-unknown", "paddles does not know \(name), but the cloud has its server \(server.id)",
            next: "check lock_server in the configuration of this host, or add the node to paddles, then retry")
    }

    private func judge(_ record: NodeRecord, _ condemned: Condemned) throws {
        switch claim.judge(record) {
        case .held:
            return
        case .taken(let owner, let description):
            throw Ending(
                .obsolete, "node-taken", claim.refusal(of: record.name, lockedBy: owner, description))
        case .free:
            let builders = (condemned.servers.map(\.metadata) + condemned.volumes.map(\.metadata)).map {
                Ownership(metadata: $0)
            }
            let areAllOfTheJob = builders.allSatisfy { builder in
                guard let builder else { return false }
                return Ownership.matches(builder.owner, job.owner)
                    && (job.lockDescription.map { Ownership.matches(builder.lock, $0) } ?? true)
            }
            guard areAllOfTheJob else {
                throw Ending(
                    .obsolete, "node-free",
                    "\(record.name) is free and what it has was built for somebody else than \(job.owner)")
            }
        }
    }

    /// Servers, then volumes.
    func removeCondemned(_ run: StepRun) async throws -> String {
        guard let condemned = known.condemned else { throw Trouble("no-guard", "the guard has not passed") }
        do {
            try await takeAway(condemned, run)
            // A provision that was at work may have gone on, and even have finished, before its server went.
            let found = try await look(run)
            let late = Condemned(upTo: found).except(condemned.ids)
            try await takeAway(late, run)
            if late.isEmpty { remember(\.seenAfterRemoval, found) }
        } catch let ending as Ending where ending.outcome.kind == .removalIncomplete {
            // Whatever else is left: where there is no server, DNS and paddles must not tell of one.
            let left = try await lookAtServers(run)
            guard (left.own.servers + left.older.servers).isEmpty else { throw ending }
            remember(\.incomplete, ending)
            return ending.outcome.message
        }
        return condemned.isEmpty ? "nothing was left" : "gone: \(condemned.summary)"
    }

    /// Paddles is asked again before each.
    private func takeAway(_ condemned: Condemned, _ run: StepRun) async throws {
        let name = try node().qualified
        try await takeCondemned(condemned, run) { _ in
            guard let record = try await self.paddles.node(name, for: run.call), record.isVM else { return }
            try self.judge(record, condemned)
        }
    }

    /// Points the name away from a server that is gone.
    func parkDNS(_ run: StepRun) async throws -> String {
        guard let dns = site.lab.dns else { return "no nsupdate_url is configured: DNS is left alone" }
        let name = try node()
        // It saves a look, but is soon too old to write on.
        let seen = run.attempt == 1 ? known.seenAfterRemoval : nil
        let found = if let seen { seen } else { try await look(run) }
        guard found.newer.servers.isEmpty else { return "left to the newer job" }
        let record = try await paddles.node(name.qualified, for: run.call)
        let parking = Parking(
            record: record, claim: claim, ours: known.addresses, standing: found.unmarked.servers,
            asks: dns.asksBeforeParking, mayTakeFree: true)
        guard parking.isDue else { return "nothing of ours was found: DNS is left alone" }
        do {
            let parked = try await dns.park(
                try ShortName(name.short), from: parking.from, sparing: parking.sparing,
                for: run.call.good(until: found.requestedAt + Self.recordFreshness))
            gone("dns \(name)")
            switch parked {
            case .parked:
                run.removed("dns", name: name.qualified, id: parking.label)
                return "parked"
            case .alreadyParked: return "is parked"
            case .elsewhere(let found):
                return "points to \(found.map(\.description).joined(separator: ", ")), not to us: left alone"
            case .absent: return "has no record"
            }
        } catch let error as ServiceError where error.kind == .permanent {
            guard !dns.asksBeforeParking else {
                // It was written once, so it is this host's bridge that is the wrong one: another host may have the right.
                throw Ending(
                    .retry, "dns-refused", "\(name) still points to a server that is gone, and \(error)",
                    next: "check nsupdate_url of this host, and nsupdate-web's --allow-hosts")
            }
            run.warning("nsupdate-web refuses \(name): \(error.message)")
            return "refused by nsupdate-web: left alone"
        }
    }

    /// Says in paddles that the node has no server, and unlocks it when the job asks for that and nothing is left.
    func releaseNode(_ run: StepRun) async throws -> String {
        let incomplete = known.incomplete
        let summary = try await release(unlocking: job.unlock && incomplete == nil, run)
        if let incomplete { throw incomplete }
        return summary
    }

    private func release(unlocking: Bool, _ run: StepRun) async throws -> String {
        let name = try node().qualified
        let asked = world.time.now
        guard let record = try await paddles.node(name, for: run.call), record.isVM else { return "unknown to paddles" }
        let newer = try await lookAtServers(run).newer.servers
        guard newer.isEmpty else {
            // Our parking may have been on its way for long.
            try await yieldName(to: newer, record, seen: asked, run)
            return "left to the newer job"
        }
        let state = claim.judge(record)
        if case .taken = state { return "somebody else's by now: left alone" }
        let describesNothing = record.osType == nil && record.macAddress == nil && record.sshPublicKey == nil
        if !describesNothing { try await clear(name, run, until: asked + Self.recordFreshness) }
        gone(Self.description(of: name))
        guard unlocking, case .held = state else { return describesNothing ? "nothing to clear" : "cleared" }
        switch try await paddles.unlock(name, owner: job.owner, description: record.description, for: run.call) {
        case .unlocked, .refused(.alreadyUnlocked):
            run.removed("lock", name: name, id: record.description ?? "")
            return "cleared and unlocked"
        case .refused(let why):
            throw Trouble("unlock-refused", "paddles refuses to unlock \(name): \(why)")
        }
    }
}
