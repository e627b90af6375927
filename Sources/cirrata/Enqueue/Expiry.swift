import ArgumentParser
import World
import YAMLKit

/// A point of time, or how long until then.
struct Expiry: Sendable {
    private enum Form: Sendable {
        case after(Duration)
        case at(Timestamp)
    }

    private let form: Form

    init(_ text: String) throws {
        if let duration = DurationText.parse(text) {
            form = .after(duration)
        } else if let time = Timestamp(parsing: text) {
            form = .at(time)
        } else {
            throw ValidationError("neither a duration (2h) nor a time (2026-11-22T15:00:00Z)")
        }
    }

    /// In whole seconds, as nobody writes more.
    func moment(_ time: any TimeSource) -> Timestamp {
        switch form {
        case .at(let time): time
        case .after(let duration): Timestamp(seconds: (time.wallClock + duration).microseconds / 1_000_000)
        }
    }
}
