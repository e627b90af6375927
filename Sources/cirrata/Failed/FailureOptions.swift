import ArgumentParser
import WorkerCore
import World
import YAMLKit

/// Which failed jobs are meant; the same for looking and for acting.
struct FailureOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only of nodes whose name matches: ovh*, ovh00?.", valueName: "glob"))
    var node: String?

    @Option(help: "Only of this provider.")
    var provider: String?

    @Option(help: "Only what failed at this step.")
    var step: String?

    @Option(name: .customLong("class"), help: ArgumentHelp("Only errors of this class.", valueName: "class"))
    var cause: String?

    @Option(
        help: ArgumentHelp("Only what failed since: 2h (ago) or 2026-11-22T15:00:00Z.", valueName: "time"),
        transform: PastTime.init)
    var since: PastTime?

    @Option(help: ArgumentHelp("Only what failed until then.", valueName: "time"), transform: PastTime.init)
    var until: PastTime?

    @Option(help: "Only where this stands in a message, in whatever letter case.")
    var text: String?

    func filter(now: Timestamp) -> FailureFilter {
        var filter = FailureFilter()
        filter.node = node.map(Glob.init)
        filter.provider = provider
        filter.step = step
        filter.cause = cause
        filter.since = since?.moment(now: now)
        filter.until = until?.moment(now: now)
        filter.text = text
        return filter
    }

    /// Whether only a report can say if a job is meant.
    var needsReport: Bool { [step, cause, text].contains { $0 != nil } || since != nil || until != nil }

    var isGiven: Bool {
        [node, provider, step, cause, text].contains { $0 != nil } || since != nil || until != nil
    }
}

/// A point of time, or how long ago.
struct PastTime: Sendable {
    private enum Form: Sendable {
        case ago(Duration)
        case at(Timestamp)
    }

    private let form: Form

    init(_ text: String) throws {
        if let duration = DurationText.parse(text) {
            form = .ago(duration)
        } else if let time = Timestamp(parsing: text) {
            form = .at(time)
        } else {
            throw ValidationError("neither a duration (2h) nor a time (2026-11-22T15:00:00Z)")
        }
    }

    func moment(now: Timestamp) -> Timestamp {
        switch form {
        case .ago(let duration): now - duration
        case .at(let time): time
        }
    }
}
