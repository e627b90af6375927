import Beanstalk
import Configuration
import World
import YAMLKit

/// A failure as people read it: complete sentences, each of which becomes a line of its own.
struct Complaint: Error {
    var lines: [String]
    var status: ExitStatus

    init(lines: [String], _ status: ExitStatus) {
        self.lines = lines
        self.status = status
    }

    init(_ message: String, _ status: ExitStatus = .failed) {
        self.init(lines: [message], status)
    }

    /// What an error from below means to whoever sits before the terminal.
    init(about error: any Error) {
        switch error {
        case let complaint as Complaint:
            self = complaint
        case let interrupted as Interrupted:
            self.init(lines: [], interrupted.status)
        case let invalid as InvalidConfiguration:
            self.init(lines: invalid.errors.map(\.description), .configuration)
        case let error as BrokerError:
            self.init("\(error)", .broker)
        case let timeout as TimeoutError:
            self.init("\(timeout)", .timedOut)
        case is CancellationError:
            self.init("stopped before it was finished", .interrupted)
        default:
            self.init("\(error)")
        }
    }
}
