/// What a request is for; a gate treats them differently.
package enum Intent: String, Sendable, Hashable, CaseIterable {
    /// Asks and changes nothing.
    case look
    /// Asks for a token: its own bucket, never fenced.
    case login
    /// Makes something that needs capacity: waits while the provider has none.
    case create
    /// Changes something: attach, lock, DNS, PUT.
    case change
    /// Gives something back: always passes first.
    case remove

    package var isMutating: Bool { self == .create || self == .change || self == .remove }
}

/// What a service says of an answer that it does not accept.
package struct Verdict: Sendable, Hashable {
    package var kind: ErrorClass
    package var message: String
    package var next: String
    /// Counts against the service's health: 5xx of calls that are cheap for it.
    package var isOutage: Bool

    package init(_ kind: ErrorClass, _ message: String, next: String = "", isOutage: Bool = false) {
        self.kind = kind
        self.message = message
        self.next = next
        self.isOutage = isOutage
    }
}
