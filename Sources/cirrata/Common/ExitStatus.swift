import ArgumentParser

/// What scripts learn from how a command ends.
enum ExitStatus: Int32, CaseIterable {
    case done = 0
    case failed = 1
    case configuration = 3
    case broker = 4
    case timedOut = 5
    case usage = 64
    case interrupted = 130
    case unread = 141
    case terminated = 143

    private var meaning: String {
        switch self {
        case .done: "everything that was asked for is done"
        case .failed: "a job or a check failed, or something could not be read or written"
        case .configuration: "the configuration is missing or wrong"
        case .broker: "beanstalkd cannot be reached, or refuses"
        case .timedOut: "not finished within the given time"
        case .usage: "the command line is wrong"
        case .interrupted: "ended at once by SIGINT"
        case .unread: "ended because nobody reads standard output any more"
        case .terminated: "ended at once by SIGTERM or SIGHUP"
        }
    }

    /// For `--help`.
    static var table: String {
        allCases.map { status in
            let number = String(status.rawValue)
            return String(repeating: " ", count: 5 - number.count) + "\(number)  \(status.meaning)"
        }.joined(separator: "\n")
    }
}

extension ExitCode {
    /// To be thrown when everything has been said already.
    init(_ status: ExitStatus) { self.init(status.rawValue) }
}
