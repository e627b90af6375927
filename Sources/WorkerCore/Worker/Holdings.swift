import Jobs
import Pipelines
import World

/// Which jobs this process holds, and in which step: for presence, and for whoever asks.
final class Holdings: EventSink {
    private let held = Locked<[UInt64: Presence.Held]>([:])

    func took(_ tag: JobTag, at: Timestamp) {
        let job = Presence.Held(
            jobID: tag.jobID, key: tag.key, action: tag.action, node: tag.node, step: "", since: at)
        held.withLock { $0[tag.jobID] = job }
    }

    func gave(_ jobID: UInt64) {
        held.withLock { $0[jobID] = nil }
    }

    func record(_ record: EventRecord) {
        guard case .stepStarted(let step, _) = record.event else { return }
        held.withLock { held in
            held[record.job.jobID]?.step = step
            held[record.job.jobID]?.since = record.at
        }
    }

    /// By job id.
    var all: [Presence.Held] { held.withLock { $0.values.sorted { $0.jobID < $1.jobID } } }
}
