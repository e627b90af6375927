package import World

/// A command, or a whole connection, that failed: what was asked of which broker, what came back, what to do next.
package struct BrokerError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Cause: Sendable, Hashable {
        /// No connection came about.
        case unreachable(NetworkFailure)
        /// The connection ended before the answer: the command may or may not have been carried out.
        case ended(ConnectionEnd)
        case refused(ErrorReply)
        /// Nothing was sent: it can never be accepted.
        case unsendable(String)
        /// Nothing was sent: a waiting reserve would hold back the answer (fact A1).
        case behindReserve
        /// The answer itself makes no sense.
        case unintelligible(ProtocolViolation)
        /// After connecting, the broker's watch list is not the one that we asked for (fact A6).
        case watchesDiffer(wanted: [TubeName], found: [TubeName])
    }

    package var broker: Endpoint
    /// `put`, `touch of job 17`, `connect` …
    package var doing: String
    package var job: JobID?
    package var tube: TubeName?
    package var cause: Cause

    package init(broker: Endpoint, doing: String, job: JobID? = nil, tube: TubeName? = nil, cause: Cause) {
        self.broker = broker
        self.doing = doing
        self.job = job
        self.tube = tube
        self.cause = cause
    }

    init(broker: Endpoint, _ command: Command, usedTube: TubeName?, cause: Cause) {
        let question = Question(command)
        let tube = question.name == .put ? usedTube : question.tube
        let doing = question.name == .put ? "put into \(tube.map(\.text) ?? "the used tube")" : question.description
        self.init(broker: broker, doing: doing, job: question.job, tube: tube, cause: cause)
    }

    /// Whether the connection is gone, and with it every reservation that it held.
    package var isConnectionLost: Bool {
        switch cause {
        case .unreachable, .ended: true
        case .refused, .unsendable, .behindReserve, .unintelligible, .watchesDiffer: false
        }
    }

    package var description: String { "\(summary); \(next)" }

    /// What failed where and why, without what to do about it.
    package var summary: String { "beanstalkd at \(broker), \(doing): \(what)" }

    private var what: String {
        switch cause {
        case .unreachable(let failure): failure.description
        case .ended(let end): end.description
        case .refused(let reply): reply.rawValue
        case .unsendable(let fault): fault
        case .behindReserve: "a reserve is waiting on the same connection"
        case .unintelligible(let violation): "unintelligible answer: \(violation)"
        case .watchesDiffer(let wanted, let found):
            "watching \(Self.list(found)) instead of \(Self.list(wanted))"
        }
    }

    /// What somebody who reads this does about it.
    package var next: String {
        switch cause {
        case .unreachable(let failure): Self.advice(for: failure)
        case .ended(.endedByBroker): "see why beanstalkd stopped (its log, `systemctl status beanstalkd`)"
        case .ended(.silent): "see whether the broker's host is up and whether something on the way drops connections"
        case .ended(.desynchronised), .ended(.violation), .unintelligible:
            "see what listens there: it should be beanstalkd 1.12 or later"
        case .ended: "connect again"
        case .refused(let reply): Self.advice(for: reply)
        case .unsendable: "correct the request"
        case .behindReserve: "use another connection"
        case .watchesDiffer: "connect again"
        }
    }

    private static func advice(for failure: NetworkFailure) -> String {
        switch failure.reason {
        case .resolve: "check the broker's name (`queue_host`) and the resolver"
        case .refused: "see whether beanstalkd runs there and listens on that address and port"
        case .unreachable, .timeout: "check the address, the route and the firewall"
        case .descriptors: "raise this process's limit of open files"
        case .reset, .closed, .system: "see whether the broker is well"
        }
    }

    private static func advice(for reply: ErrorReply) -> String {
        switch reply {
        case .outOfMemory, .internalError: "check memory and the disk of its binlog (-b) on the broker's host"
        case .draining: "the broker takes no new jobs until it is restarted; put into another one or restart it"
        case .jobTooBig: "make the job smaller or start beanstalkd with a larger -z"
        case .unknownCommand: "use beanstalkd 1.12 or later"
        case .badFormat, .expectedCRLF: "report this as a bug, with the broker's version"
        }
    }

    private static func list(_ tubes: [TubeName]) -> String { tubes.map(\.text).joined(separator: ", ") }
}
