import HeapModule

/// Jobs in the order of a key. A job that leaves from the middle stays behind as a stale entry, recognised by its stamp,
/// until it comes up.
struct JobQueue: Sendable {
    struct Entry: Comparable, Sendable {
        /// Priority, deadline or sequence number.
        var key: Int64
        var id: UInt64
        var stamp: UInt64

        static func < (a: Entry, b: Entry) -> Bool { (a.key, a.id) < (b.key, b.id) }
    }

    private var heap = Heap<Entry>()
    /// Without the stale ones.
    private(set) var count = 0

    mutating func insert(key: Int64, id: UInt64, stamp: UInt64) {
        heap.insert(Entry(key: key, id: id, stamp: stamp))
        count += 1
    }

    /// The job that this entry stands for has left.
    mutating func left() {
        count -= 1
        if count == 0 { heap = Heap() }
    }

    /// The id of the first job, for which `isCurrent` is asked about (id, stamp).
    mutating func first(_ isCurrent: (UInt64, UInt64) -> Bool) -> UInt64? {
        while let entry = heap.min {
            if isCurrent(entry.id, entry.stamp) { return entry.id }
            heap.removeMin()
        }
        return nil
    }
}
