import Glibc
import World

/// Writes lines to a descriptor on a thread of its own, so that nobody waits for whoever reads them. What does not fit
/// into the buffer is dropped, and how much that was is said as soon as there is room again.
package final class LineWriter: Sendable {
    private struct State {
        var text = ""
        var dropped = 0
        var isWriting = false
    }

    private let descriptor: Int32
    private let limit: Int
    private let lineAboutDropped: @Sendable (Int) -> String
    private let threads: WorkerThreads
    private let state = Locked(State())

    /// - Parameters:
    ///   - descriptor: stays open as long as this lives.
    ///   - limit: how many bytes may wait.
    ///   - lineAboutDropped: says that so many lines are missing.
    /// - Throws: `SystemError` when the process is out of descriptors or threads.
    package init(
        _ descriptor: Int32, limit: Int = 1 << 20, lineAboutDropped: @escaping @Sendable (Int) -> String
    ) throws {
        self.descriptor = descriptor
        self.limit = limit
        self.lineAboutDropped = lineAboutDropped
        threads = try WorkerThreads("log", limit: 1)
    }

    /// Takes a line (without its line break) to be written. Never blocks.
    package func write(_ line: String) {
        let isFirst = state.withLock { state in
            if state.text.utf8.count + line.utf8.count < limit {
                state.text += line + "\n"
            } else {
                state.dropped += 1
            }
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if isFirst { threads.submit(writeAll) }
    }

    /// Waits until all that was taken so far is written.
    /// - Throws: `CancellationError`.
    package func flush() async throws { try await threads.runAbandonable {} }

    private func writeAll() {
        while let text = next() { writeWhole(text, to: descriptor) }
    }

    /// - Returns: nil when there is nothing left to write.
    private func next() -> String? {
        let (text, dropped) = state.withLock { state in
            let next = (state.text, state.dropped)
            state = State(isWriting: next != ("", 0))
            return next
        }
        if dropped > 0 { return text + lineAboutDropped(dropped) + "\n" }
        return text.isEmpty ? nil : text
    }
}

/// Writes a text to its end, and blocks while nobody reads it.
/// - Returns: 0, or the error number because of which the rest was dropped.
@discardableResult
package func writeWhole(_ text: String, to descriptor: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { bytes in
        var start = 0
        while start < bytes.count {
            let count = write(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
            if count > 0 {
                start += count
            } else if errno == EAGAIN {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wanted, 1, -1)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }
}
