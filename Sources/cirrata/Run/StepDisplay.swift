import Pipelines
import Provisioning
import Resilience
import World

/// Shows the steps of a job as they happen. On a terminal, the last line is what goes on right now, and is written over
/// and over; anywhere else there are plain lines only.
final class StepDisplay: EventSink {
    private struct State {
        var lines: StepLines
        var isLive = false
    }

    private let terminal: Terminal
    private let time: any TimeSource
    private let state: Locked<State>

    private static let refresh = Duration.milliseconds(200)

    init(on terminal: Terminal, showsRequests: Bool, time: any TimeSource) {
        self.terminal = terminal
        self.time = time
        state = Locked(State(lines: StepLines(showsRequests: showsRequests)))
    }

    func record(_ record: EventRecord) {
        state.withLock { state in
            let lines = state.lines.lines(of: record)
            draw(lines, &state)
        }
    }

    /// What goes on at the services beside the job.
    func tell(_ notice: SiteNotice) {
        state.withLock { state in
            switch notice {
            case .gate(let service, _, let gate):
                let text = gate == .open ? "requests pass again" : "requests are held back: \(gate.why)"
                draw([.init(style: .yellow, mark: "warning", text: "\(service): \(text)")], &state)
            case .cloudWarning(_, let text):
                draw([.init(style: .yellow, mark: "warning", text: text)], &state)
            }
        }
    }

    /// Runs `body` with the last line kept up to date.
    func alive<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        guard terminal.isInteractive else { return try await body() }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                while true {
                    try await self.time.sleep(for: Self.refresh)
                    self.state.withLock { self.draw([], &$0) }
                }
            }
            defer {
                group.cancelAll()
                state.withLock { erase(&$0) }
            }
            guard let result = try await group.next() ?? nil else { throw CancellationError() }
            return result
        }
    }

    private func draw(_ lines: [StepLines.Line], _ state: inout State) {
        erase(&state)
        for line in lines {
            let mark = StepLines.padded(line.mark, to: 8)
            terminal.line((line.style.map { terminal.styled(mark, $0) } ?? mark) + line.text)
        }
        state.isLive = terminal.isInteractive && !state.lines.step.isEmpty
        if state.isLive { terminal.show(live(state.lines)) }
    }

    private func erase(_ state: inout State) {
        if state.isLive { terminal.eraseLine() }
        state.isLive = false
    }

    private func live(_ lines: StepLines) -> String {
        let took = lines.since.map { Duration.seconds((time.wallClock - $0).components.seconds) } ?? .zero
        let text =
            StepLines.padded("...", to: 8) + StepLines.padded(lines.step, to: 15) + StepLines.padded(took.short, to: 7)
            + lines.request
        // A line that wraps could not be written over.
        return terminal.styled(Printable.cut(text, to: max(10, terminal.width - 1)), .cyan)
    }
}
