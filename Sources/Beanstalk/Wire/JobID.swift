/// A job's number, unique within one run of one broker only: ids start again after a restart (fact D5), so it never
/// serves as an idempotency key.
package struct JobID: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var number: UInt64

    package init(_ number: UInt64) {
        self.number = number
    }

    package static func < (a: JobID, b: JobID) -> Bool { a.number < b.number }

    package var description: String { String(number) }
}

/// A job as the broker stores and hands it out.
package struct QueuedJob: Sendable, Hashable {
    package var id: JobID
    package var body: [UInt8]

    package init(id: JobID, body: [UInt8]) {
        self.id = id
        self.body = body
    }
}
