import Logging
import Telemetry
import World

/// A log whose lines are kept, at one moment that does not move.
final class Listener: Sendable {
    struct StoppedTime: TimeSource {
        var now: Moment { Moment(nanoseconds: 0) }
        var wallClock: Timestamp { Timestamp(microseconds: 1_700_000_000_250_000) }

        func sleep(until moment: Moment) async throws { throw CancellationError() }
    }

    private let kept = Locked([String]())

    var lines: [String] { kept.withLock { $0 } }

    func logger(_ format: LogFormat, level: Logger.Level = .trace) -> Logger {
        let handler = LineLogHandler(label: "test", format: format, level: level, time: StoppedTime()) { line in
            self.kept.withLock { $0.append(line) }
        }
        return Logger(label: "test") { _ in handler }
    }
}
