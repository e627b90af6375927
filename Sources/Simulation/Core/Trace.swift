import World

/// What happened, in order: two runs of one seed must give the same one.
///
/// The hash covers every line with the virtual time at which it was recorded. The text is kept only on request, because
/// fifty thousand scenarios compare hashes and only the odd failing one is read.
package final class Trace: Sendable {
    private struct State {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var count = 0
        var lines: [String] = []
        var isClosed = false

        mutating func mix(_ byte: UInt8) {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
    }

    private let state = Locked(State())
    private let keepsText: Bool
    private let scheduler: Scheduler

    init(scheduler: Scheduler, keepsText: Bool) {
        self.scheduler = scheduler
        self.keepsText = keepsText
    }

    package func record(_ line: String) {
        let now = scheduler.now.nanoseconds
        state.withLock { state in
            if state.isClosed { return }
            for byte in line.utf8 { state.mix(byte) }
            for shift in stride(from: 0, to: 64, by: 8) { state.mix(UInt8(truncatingIfNeeded: now >> shift)) }
            state.count += 1
            if keepsText { state.lines.append("\(Self.seconds(now)) \(line)") }
        }
    }

    /// FNV-1a over all lines and their times.
    package var hash: UInt64 { state.withLock { $0.hash } }
    package var count: Int { state.withLock { $0.count } }
    /// Empty unless the simulation was made with `keepsTrace: true`.
    package var lines: [String] { state.withLock { $0.lines } }

    /// After the end of a run dead code is run once more to give back its memory: none of that is history.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    private static func seconds(_ nanoseconds: Int64) -> String {
        let micros = String(nanoseconds / 1_000 % 1_000_000)
        return "\(nanoseconds / 1_000_000_000)." + String(repeating: "0", count: 6 - micros.utf8.count) + micros
    }
}
