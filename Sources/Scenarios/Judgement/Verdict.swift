import World

/// How one scenario went.
package struct Verdict: Sendable {
    /// What is not as it must be, each with the invariant's name; empty: all is well.
    package var violations: [String] = []
    package var traceHash: UInt64 = 0
    /// Only if it was asked for.
    package var trace: [String] = []
    package var requests = 0
    /// Of the first worker.
    package var effects = 0
    package var took = Duration.zero
    /// Of all jobs, in the order of their put.
    package var outcomes: [String] = []
}
