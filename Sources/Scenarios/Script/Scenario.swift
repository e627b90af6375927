package import Simulation

/// One experiment, whole: who plays, in which order jobs run, and what goes wrong when. The same value gives the same
/// trace, every time and everywhere.
package struct Scenario: Sendable, Hashable, CustomStringConvertible {
    /// Decides whatever is left to chance: the order of jobs, ids, jitter, whether the broker notices the end of a TTR.
    package var seed: UInt64
    package var order: Simulation.Order
    package var cast: Cast
    package var troubles: [Trouble]

    package init(seed: UInt64, order: Simulation.Order = .fifo, cast: Cast, troubles: [Trouble] = []) {
        self.seed = seed
        self.order = order
        self.cast = cast
        self.troubles = troubles
    }

    /// One for each job, and one to take over. With one job and nothing that ends or stops its worker, a second would
    /// only stand by.
    var workers: Int {
        let endsOne = troubles.contains { trouble in
            trouble.acts.contains { act in
                if case .fault = act { false } else { true }
            }
        }
        return max(cast.parts.count, endsOne ? 2 : 1)
    }

    package var description: String {
        let trouble = troubles.isEmpty ? "no trouble" : troubles.map(\.description).joined(separator: "; ")
        return "seed \(seed), \(order == .fifo ? "fifo" : "shuffled"): \(cast.name); \(trouble)"
    }
}
