/// Everything that beanstalkd answers (protocol.txt).
package enum Reply: Sendable, Hashable {
    case inserted(JobID)
    /// With an id the answer to `put`: stored, but buried, for want of memory. Without one the answer to `bury`, or to
    /// a `release` that ended in the buried state.
    case buried(JobID?)
    case using(TubeName)
    case reserved(QueuedJob)
    case timedOut
    case deadlineSoon
    case deleted
    case released
    case touched
    case watching(UInt64)
    case notIgnored
    case found(QueuedJob)
    case notFound
    /// With a count the answer to `kick`, without one to `kick-job`.
    case kicked(UInt64?)
    /// A document: statistics or a list.
    case ok([UInt8])
    case paused
    case error(ErrorReply)
}

/// What beanstalkd may answer to a command that it does not carry out.
package enum ErrorReply: String, Sendable, Hashable, CaseIterable {
    case outOfMemory = "OUT_OF_MEMORY"
    case internalError = "INTERNAL_ERROR"
    case badFormat = "BAD_FORMAT"
    case unknownCommand = "UNKNOWN_COMMAND"
    case draining = "DRAINING"
    case expectedCRLF = "EXPECTED_CRLF"
    case jobTooBig = "JOB_TOO_BIG"
}

extension Reply {
    /// The first word on the wire: for messages.
    package var keyword: String {
        switch self {
        case .inserted: "INSERTED"
        case .buried: "BURIED"
        case .using: "USING"
        case .reserved: "RESERVED"
        case .timedOut: "TIMED_OUT"
        case .deadlineSoon: "DEADLINE_SOON"
        case .deleted: "DELETED"
        case .released: "RELEASED"
        case .touched: "TOUCHED"
        case .watching: "WATCHING"
        case .notIgnored: "NOT_IGNORED"
        case .found: "FOUND"
        case .notFound: "NOT_FOUND"
        case .kicked: "KICKED"
        case .ok: "OK"
        case .paused: "PAUSED"
        case .error(let error): error.rawValue
        }
    }
}
