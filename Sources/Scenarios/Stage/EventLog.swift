import Jobs
package import Pipelines
import Provisioning
import World

/// Every event of every job of every worker, in order.
package final class EventLog: EventSink {
    private struct State {
        var records: [EventRecord] = []
        var current: [String: JobTag] = [:]
        /// Processes whose provision has begun to take away what it built.
        var removing: Set<String> = []
        /// Keys of provisions that did so only to be tried again.
        var undone: [String] = []

        mutating func follow(_ record: EventRecord, by process: String) {
            switch record.event {
            case .stepStarted(StepName.removal.rawValue, _) where record.job.action == JobAction.provision.rawValue:
                removing.insert(process)
            case .stepStarted:
                removing.remove(process)
            case .ended(let outcome, _):
                // One that ends in the removal itself goes on with it later.
                if removing.remove(process) != nil, outcome.kind == .retry, outcome.step != StepName.removal.rawValue {
                    undone.append(record.job.key)
                }
            default: break
            }
        }
    }

    private let state = Locked(State())

    package init() {}

    package func record(_ record: EventRecord) { self.record(record, by: "") }

    func record(_ record: EventRecord, by process: String) {
        state.withLock { state in
            state.records.append(record)
            state.current[process] = record.job
            state.follow(record, by: process)
        }
    }

    package var records: [EventRecord] { state.withLock { $0.records } }

    /// The job that a process was last heard of with: with one slot, the one that it works on.
    package func job(of process: String) -> JobTag? { state.withLock { $0.current[process] } }

    /// Keys of provisions that took away what they had built although they were to be tried again.
    var undone: [String] { state.withLock { $0.undone } }

    /// Keys of jobs that gave way to what they took for a newer one.
    var superseded: Set<String> {
        Set(
            records.compactMap { record in
                if case .ended(let outcome, _) = record.event, outcome.cause == "newer-job" {
                    record.job.key
                } else {
                    nil
                }
            })
    }

    /// Ids of what could not be removed and was said to be left, although the job went on.
    var left: [String] {
        records.compactMap { record in
            if case .left(_, _, _, let id, _) = record.event { id } else { nil }
        }
    }

    /// The outcomes of all deliveries so far, in order.
    package var outcomes: [Outcome] {
        records.compactMap { record in
            if case .ended(let outcome, _) = record.event { outcome } else { nil }
        }
    }
}
