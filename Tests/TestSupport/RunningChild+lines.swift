package import EventLoop
import World

/// A program ended before it said what a test waits for.
package struct EndedEarly: Error, Sendable, CustomStringConvertible {
    package let description: String
}

extension RunningChild {
    /// What it has said so far on both outputs.
    package var transcript: String {
        String(decoding: output, as: UTF8.self) + String(decoding: errors, as: UTF8.self)
    }

    /// Waits for a whole line with `text` in it, on either output; one that came before counts.
    /// - Throws: `EndedEarly` with all that it said when it ends first; `CancellationError`.
    package func waitForLine(containing text: String) async throws -> String {
        while true {
            let change = nextChange
            let isLast = !isRunning
            for bytes in [output, errors] {
                var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                if !isLast { lines.removeLast() }
                if let line = lines.map({ String(decoding: $0, as: UTF8.self) }).first(where: { $0.contains(text) }) {
                    return line
                }
            }
            if isLast { throw EndedEarly(description: "ended without a line containing “\(text)”:\n\(transcript)") }
            _ = try await change.wait()
        }
    }
}
