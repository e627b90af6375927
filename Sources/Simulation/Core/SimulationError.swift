package import World

/// Why a simulation could not be carried on. Each says what to look for.
package enum SimulationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Something ran on another thread and came back: its order would differ from run to run.
    case foreignThread(process: String)
    /// Nothing is ready, no timer is set, and the body has not ended.
    case deadlock(at: Moment, waiting: [String])
    /// Jobs go on and on without time moving.
    case spin(jobs: Int, at: Moment)
    case timeLimit(Duration, waiting: [String])
    case alreadyRun

    package var description: String {
        switch self {
        case .foreignThread(let process):
            """
            a job of '\(process)' was enqueued from another thread than the simulation's: look for Task {}, \
            Task.detached, Task.sleep, a system clock, Dispatch or @MainActor in the code under test
            """
        case .deadlock(let moment, let waiting):
            """
            deadlock at \(moment): nothing is ready, no timer is set, the body has not ended. \
            \(Self.list(waiting)) What is not listed waits for a continuation that nobody resumes, or for work that \
            left the simulation (Task {}, Task.detached).
            """
        case .spin(let jobs, let moment):
            "spin: \(jobs) jobs ran at \(moment) without time moving: something polls without sleeping"
        case .timeLimit(let limit, let waiting):
            "the body has not ended within \(limit.short) of virtual time. \(Self.list(waiting))"
        case .alreadyRun:
            "a Simulation runs one body; make a new one for the next"
        }
    }

    private static func list(_ waiting: [String]) -> String {
        waiting.isEmpty ? "No seam has anyone waiting." : "Waiting: \(waiting.joined(separator: "; "))."
    }
}
