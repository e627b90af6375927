/// Why a sweep does not judge, or does not act: when in doubt nothing is removed.
package struct SweepRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// Empty: the whole site.
    package var provider: String
    /// For scripts: `listing-failed`, `project-changed`, `lists-disagree`, `queue-unknown`, `too-many`.
    package var cause: String
    package var message: String
    /// What an operator can do about it.
    package var next: String

    package init(provider: String = "", cause: String, message: String, next: String) {
        self.provider = provider
        self.cause = cause
        self.message = message
        self.next = next
    }

    package var description: String { provider.isEmpty ? message : "provider \(provider): \(message)" }
}
