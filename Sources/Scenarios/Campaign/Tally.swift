import World

/// What many scenarios add up to.
package struct Tally: Sendable {
    package struct Failure: Sendable {
        package let number: UInt64
        package let scenario: Scenario
        package let verdict: Verdict
    }

    package private(set) var scenarios = 0
    package private(set) var replays = 0
    package private(set) var requests = 0
    package private(set) var virtualTime = Duration.zero
    /// Requests that were refused, cut off or garbled; workers killed, stopped, cut off; and so on, by name.
    package private(set) var acts: [String: Int] = [:]
    package private(set) var outcomes: [String: Int] = [:]
    package private(set) var failures = 0
    /// The one of the lowest number.
    package private(set) var firstFailure: Failure?

    package init() {}

    package mutating func add(_ number: UInt64, _ scenario: Scenario, _ verdict: Verdict, replayed: Bool) {
        scenarios += 1
        if replayed { replays += 1 }
        requests += verdict.requests
        virtualTime += verdict.took
        for act in scenario.troubles.flatMap(\.acts) { acts[act.kind, default: 0] += 1 }
        for outcome in verdict.outcomes { outcomes[outcome.isEmpty ? "none" : outcome, default: 0] += 1 }
        guard !verdict.violations.isEmpty else { return }
        failures += 1
        if firstFailure.map({ number < $0.number }) ?? true {
            firstFailure = Failure(number: number, scenario: scenario, verdict: verdict)
        }
    }

    package mutating func add(_ other: Tally) {
        scenarios += other.scenarios
        replays += other.replays
        requests += other.requests
        virtualTime += other.virtualTime
        acts.merge(other.acts, uniquingKeysWith: +)
        outcomes.merge(other.outcomes, uniquingKeysWith: +)
        failures += other.failures
        if let theirs = other.firstFailure, firstFailure.map({ theirs.number < $0.number }) ?? true {
            firstFailure = theirs
        }
    }
}

extension Trouble.Act {
    /// For counting: without its numbers.
    var kind: String {
        switch self {
        case .fault: "requests that went wrong"
        case .late: "requests that outlived their worker"
        case .kill: "workers killed"
        case .losePower: "hosts without power"
        case .freeze: "workers stopped and continued"
        case .drain: "workers asked to end"
        case .brokerRestarts: "broker restarts"
        case .brokerForgets: "broker restarts without its jobs"
        case .brokerDropsConnections: "broker connections dropped"
        case .brokerIsFull: "broker disks full"
        case .brokerDrains: "brokers draining"
        case .brokerClock: "broker clock steps"
        case .brokerUnreachable: "broker out of reach"
        case .unlock, .relock: "nodes unlocked or given away"
        case .removeServer: "servers removed by somebody"
        case .failServer: "servers in ERROR"
        case .markDown: "nodes marked down"
        case .noQuota: "quotas exhausted"
        case .revokeTokens: "tokens revoked"
        }
    }
}

extension Campaign {
    /// Runs one scenario, every hundredth twice.
    /// - Returns: its verdict, with a violation if the second run went another way; and whether there was one.
    package func play(_ number: UInt64) -> (scenario: Scenario, verdict: Verdict, replayed: Bool) {
        let scenario = self[number]
        var verdict = Performance.run(scenario)
        guard number % 100 == 0 else { return (scenario, verdict, false) }
        if Performance.run(scenario).traceHash != verdict.traceHash {
            verdict.violations.append("guard: a second run of the same seed had another trace")
        }
        return (scenario, verdict, true)
    }
}
