import HeapModule
import World

/// Timers by deadline; equal deadlines fire in the order in which they were added.
///
/// A heap cannot remove from its middle, so a cancelled timer leaves an empty entry behind. When more than half of the
/// entries are empty the heap is built anew: each cancellation pays a constant share of that, and the heap never holds
/// more than twice what is alive.
struct TimerQueue {
    typealias Action = @Sendable () -> Void

    private struct Entry: Comparable {
        var deadline: Moment
        var id: UInt64

        static func < (a: Entry, b: Entry) -> Bool { (a.deadline, a.id) < (b.deadline, b.id) }
    }

    private var heap = Heap<Entry>()
    private var actions: [UInt64: Action] = [:]

    /// Entries that the heap holds, dead ones included.
    var storedCount: Int { heap.count }
    var isEmpty: Bool { actions.isEmpty }

    mutating func add(_ id: UInt64, at deadline: Moment, _ action: @escaping Action) {
        heap.insert(Entry(deadline: deadline, id: id))
        actions[id] = action
    }

    mutating func cancel(_ id: UInt64) {
        guard actions.removeValue(forKey: id) != nil else { return }
        if heap.count > 64, heap.count > 2 * actions.count {
            heap = Heap(heap.unordered.filter { actions[$0.id] != nil })
        }
    }

    /// The earliest deadline of a living timer.
    mutating func next() -> Moment? {
        while let first = heap.min {
            if actions[first.id] != nil { return first.deadline }
            heap.removeMin()
        }
        return nil
    }

    /// Takes the earliest timer that is due.
    mutating func takeDue(_ now: Moment) -> Action? {
        guard let deadline = next(), deadline <= now else { return nil }
        return actions.removeValue(forKey: heap.removeMin().id)
    }
}
