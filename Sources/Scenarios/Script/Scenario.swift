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

    /// One job and nothing that ends or stops its worker: a second one would only stand by.
    var needsSecondWorker: Bool {
        cast.parts.count > 1
            || troubles.contains { trouble in
                trouble.acts.contains { act in
                    if case .fault = act { false } else { true }
                }
            }
    }

    package var description: String {
        let trouble = troubles.isEmpty ? "no trouble" : troubles.map(\.description).joined(separator: "; ")
        return "seed \(seed), \(order == .fifo ? "fifo" : "shuffled"): \(cast.name); \(trouble)"
    }
}
