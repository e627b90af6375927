import WorkerCore
import World

/// How far a search through the broker has come: on standard error, and only where a person looks.
struct ProgressBar {
    private let terminal = Terminal.errors

    private static let width = 24

    func show(_ progress: QueueReader.Progress) {
        guard terminal.isInteractive, progress.expected > 0 else { return }
        let done = min(Self.width, progress.found * Self.width / progress.expected)
        let bar = String(repeating: "#", count: done) + String(repeating: " ", count: Self.width - done)
        let text = "[\(bar)] \(progress.found) of \(progress.expected.counted("job")), \(progress.looked) numbers"
        // A line that wraps could not be written over.
        terminal.eraseLine()
        terminal.show(terminal.styled(Printable.cut(text, to: max(10, terminal.width - 1)), .cyan))
    }

    func erase() { terminal.eraseLine() }
}
