package import Pipelines
import World

/// Every event of every job of every worker, in order.
package final class EventLog: EventSink {
    private struct State {
        var records: [EventRecord] = []
        var current: [String: JobTag] = [:]
    }

    private let state = Locked(State())

    package init() {}

    package func record(_ record: EventRecord) { self.record(record, by: "") }

    func record(_ record: EventRecord, by process: String) {
        state.withLock { state in
            state.records.append(record)
            state.current[process] = record.job
        }
    }

    package var records: [EventRecord] { state.withLock { $0.records } }

    /// The job that a process was last heard of with: with one slot, the one that it works on.
    package func job(of process: String) -> JobTag? { state.withLock { $0.current[process] } }

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
