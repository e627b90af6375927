package import WorkerCore
import World

/// Every notice of every worker, in order.
package final class NoticeLog: Sendable {
    private let kept = Locked<[(worker: String, notice: WorkerNotice)]>([])

    func add(_ notice: WorkerNotice, of worker: String) {
        kept.withLock { $0.append((worker, notice)) }
    }

    package var all: [(worker: String, notice: WorkerNotice)] { kept.withLock { $0 } }
}
