/// Thrown when a job stood before a closed gate for so long that its slot is better given back. Costs the job nothing.
package struct Parked: Error, Sendable, Hashable, CustomStringConvertible {
    package var cause: String
    package var why: String

    package init(cause: String, why: String) {
        self.cause = cause
        self.why = why
    }

    package var description: String { "parked: \(why)" }
}
