/// What a rule chose, and what an operator should know about how it came to it.
package struct Choice<Value: Sendable & Hashable>: Sendable, Hashable {
    package var value: Value
    package var warnings: [String]

    package init(_ value: Value, warnings: [String] = []) {
        self.value = value
        self.warnings = warnings
    }
}

/// Nothing can be chosen: this job, or this configuration, can never work as it is.
package struct SelectionError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Fault: Sendable, Hashable {
        /// What the job asks for.
        case job
        /// The provider's configuration; every job of the provider meets it.
        case configuration
    }

    /// For grouping: `no-image`, `no-flavor`, `no-security-group`, `bad-size`, `bad-userdata`.
    package var cause: String
    package var fault: Fault
    package var message: String
    /// What to do about it.
    package var next: String

    package init(_ cause: String, _ fault: Fault, _ message: String, next: String) {
        self.cause = cause
        self.fault = fault
        self.message = message
        self.next = next
    }

    package var description: String { message }
}

/// `a, b, c and 4 more`
func enumerated(_ names: [String], limit: Int = 5) -> String {
    let head = names.prefix(limit).joined(separator: ", ")
    return names.count > limit ? "\(head) and \(names.count - limit) more" : head
}
