package import Resilience
package import World

/// What is known of a node's name after a push.
package enum DNSPush: Sendable, Hashable {
    /// DNS was asked and says exactly what we wrote.
    case verified
    /// DNS was asked and says so, although nsupdate-web reported an error.
    case verifiedDespite(String)
    /// nsupdate-web said `no-change` or `success` and DNS disagreed, until the name was sent elsewhere and back.
    case cured
    /// Nobody was asked: no DNS server is configured, or its answer was cut.
    case unverified(String)
}

/// What became of a name that is given up.
package enum DNSParking: Sendable, Hashable {
    case parked
    /// It pointed there before: nothing was written.
    case alreadyParked
    /// It points at neither of the addresses given: somebody else's now, nothing was written.
    case elsewhere([IPAddress])
    /// DNS has no such name: nothing to park.
    case absent
}

/// Gives a node's name its address and believes only DNS itself. nsupdate-web alone is no witness: it answers
/// `no-change` from memory, `success` when nsupdate failed silently, and an error when it merely warned
/// (facts/teuthology.md section 2).
package struct NodeDNS: Sendable {
    private let nsupdate: NsupdateClient
    private let resolver: DNSResolver?
    private let gate: Gate?
    private let domain: String
    private let parking: IPAddress
    private let patience: Duration
    private let world: World
    private let serial = SerialByKey<String>()

    /// - Parameters:
    ///   - resolver: the DNS server to compare with; nil: nsupdate-web is believed.
    ///   - gate: before the DNS server; nil: it is asked whatever it answered before.
    ///   - domain: `lab_domain`.
    ///   - parking: where names of destroyed nodes point; there is no way to delete a record.
    ///   - patience: how long DNS may take to say what was written.
    package init(
        nsupdate: NsupdateClient, resolver: DNSResolver?, gate: Gate? = nil, domain: String, parking: IPAddress,
        patience: Duration = .seconds(10), world: World
    ) {
        self.nsupdate = nsupdate
        self.resolver = resolver
        self.gate = gate
        self.domain = domain
        self.parking = parking
        self.patience = patience
        self.world = world
    }

    /// Whether `park` sees where a name points before it writes.
    package var asksBeforeParking: Bool { resolver != nil }

    /// Whether nsupdate-web answers at all: changes nothing.
    package func ping(for call: Call) async throws { try await nsupdate.ping(for: call) }

    /// Whether nsupdate-web would let us update a node's name: changes nothing.
    package func rehearse(_ name: ShortName, for call: Call) async throws {
        try await nsupdate.rehearse(name, for: call)
    }

    /// Whether the DNS server answers, if there is one to ask.
    package func pingServer(for call: Call) async throws {
        if let resolver { _ = try await ask(resolver, domain, .v4, call) }
    }

    /// Makes `target` the address of a node's name.
    /// - Throws: `ServiceError`, transient when DNS says something else in the end.
    package func push(_ name: ShortName, to target: IPAddress, for call: Call) async throws -> DNSPush {
        try await serial.run(name.text) {
            try await write(name, target, .change, call)
        }
    }

    /// Points a name at the parking address if it still points at one of `ours`; nil: wherever it points. Without a DNS
    /// server to ask it is written unseen: the caller must know that no newer job has the name.
    /// - Parameter sparing: a name that points at one of these is left alone: their servers stand.
    package func park(
        _ name: ShortName, from ours: [IPAddress]?, sparing: [IPAddress] = [], for call: Call
    ) async throws -> DNSParking {
        try await serial.run(name.text) {
            if let resolver {
                switch try await answer(of: resolver, about: name, parking, call) {
                case .noName, .noData: return .absent
                case .addresses([parking]): return .alreadyParked
                case .addresses(let found) where found.contains(where: sparing.contains): return .elsewhere(found)
                case .addresses(let found) where ours.map { !found.contains(where: $0.contains) } ?? false:
                    return .elsewhere(found)
                case .addresses, .incomplete, .failed: break
                }
            }
            _ = try await write(name, parking, .remove, call)
            return .parked
        }
    }

    /// Points a name to `target` where DNS says that it points elsewhere. Where nobody can be asked it is written only
    /// if the caller has written the name before.
    /// - Parameter from: only if it points at one of these, or at the parking address, where a late parking may have
    ///   sent it; nil: whatever DNS says of it.
    /// - Returns: whether it was written.
    package func correct(
        _ name: ShortName, to target: IPAddress, from: [IPAddress]?, wasWritten: Bool, for call: Call
    ) async throws -> Bool {
        try await serial.run(name.text) {
            if let resolver {
                switch try await answer(of: resolver, about: name, target, call) {
                case .addresses([target]), .incomplete, .failed: return false
                case .addresses(let found):
                    if let from, !found.contains(where: (from + [parking]).contains) { return false }
                case .noName, .noData: if from != nil { return false }
                }
            } else if !wasWritten {
                return false
            }
            _ = try await write(name, target, .change, call)
            return true
        }
    }

    private func write(
        _ name: ShortName, _ target: IPAddress, _ intent: Intent, _ call: Call
    ) async throws -> DNSPush {
        let said: NsupdateAnswer
        do {
            said = try await nsupdate.set(name, to: target, intent, for: call)
        } catch let error as ServiceError where error.kind == .transient || error.kind == .ambiguous {
            // The update may have been made all the same: DNS is asked before anything is written again.
            guard let resolver else { throw error }
            guard try await isSet(resolver, name, target, after: error, call) else { throw error }
            return .verifiedDespite(error.message)
        }
        guard let resolver else { return .unverified("no DNS server is configured to ask") }
        // After `no-change` nothing is on its way, so waiting would not help.
        switch try await settled(resolver, name, target, patience: said == .changed ? patience : .zero, call) {
        case .addresses([target]): return .verified
        case .failed(let code): throw disagreement(name, target, .failed(code: code))
        // A cut answer, too: one address always fits, so there are more.
        case .addresses, .incomplete, .noName, .noData: return try await cure(resolver, name, target, intent, call)
        }
    }

    /// Another address first, so that nsupdate-web forgets what it believes, then ours.
    private func cure(
        _ resolver: DNSResolver, _ name: ShortName, _ target: IPAddress, _ intent: Intent, _ call: Call
    ) async throws -> DNSPush {
        let elsewhere = target == parking ? IPAddress.v4(0) : parking
        _ = try await nsupdate.set(name, to: elsewhere, intent, for: call)
        _ = try await nsupdate.set(name, to: target, intent, for: call)
        let found = try await settled(resolver, name, target, patience: patience, call)
        switch found {
        case .addresses([target]): return .cured
        // Both were written just now, so it is the server: one that limits its answers cuts them, however short.
        case .incomplete: return .unverified("the answer of the DNS server was cut")
        case .addresses, .noName, .noData, .failed: throw disagreement(name, target, found)
        }
    }

    private func disagreement(_ name: ShortName, _ target: IPAddress, _ found: DNSAnswer) -> ServiceError {
        ServiceError(
            service: "dns", operation: "check address of \(name)",
            message: "nsupdate-web reports success, but DNS says \(found) instead of \(target)", kind: .transient,
            next:
                "check that nsupdate works on nsupdate-web's host, and that the DNS server asked is the one it updates")
    }

    private func isSet(
        _ resolver: DNSResolver, _ name: ShortName, _ target: IPAddress, after failure: ServiceError,
        _ call: Call
    ) async throws -> Bool {
        do {
            return try await answer(of: resolver, about: name, target, call) == .addresses([target])
        } catch let asking as ServiceError {
            var both = failure
            both.message += "; and DNS could not be asked whether it was done all the same: \(asking.message)"
            throw both
        }
    }

    /// Asks until DNS says what it should or patience is over.
    private func settled(
        _ resolver: DNSResolver, _ name: ShortName, _ target: IPAddress, patience: Duration, _ call: Call
    ) async throws -> DNSAnswer {
        let deadline = world.time.now + patience
        var backoff = Backoff(first: .milliseconds(200), limit: .seconds(2), floor: .milliseconds(100))
        while true {
            let found = try await answer(of: resolver, about: name, target, call)
            switch found {
            case .addresses([target]): return found
            case .addresses, .incomplete, .noName, .noData, .failed: break
            }
            let next = world.time.now + backoff.next(world.random)
            guard next <= deadline else { return found }
            try await world.time.sleep(until: next)
        }
    }

    private func answer(
        of resolver: DNSResolver, about name: ShortName, _ target: IPAddress, _ call: Call
    ) async throws -> DNSAnswer {
        try await ask(resolver, "\(name).\(domain)", target.isV4 ? .v4 : .v6, call)
    }

    private func ask(
        _ resolver: DNSResolver, _ name: String, _ family: DNSResolver.Family, _ call: Call
    ) async throws -> DNSAnswer {
        guard let gate else { return try await resolver.addresses(of: name, family) }
        return try await gate.ask(for: call) { try await resolver.addresses(of: name, family) }
    }
}
