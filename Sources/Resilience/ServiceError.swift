/// What a failure means for the job. Each service sorts its answers into these in one place.
package enum ErrorClass: String, Sendable, Hashable, CaseIterable {
    /// Likely to work later: time-outs, 5xx, 429, connection trouble of requests that change nothing.
    case transient
    /// Works when somebody else gives something up: quota, no valid host, no free node.
    case capacity
    /// Will never work with this job: no such image, refused name, policy.
    case permanent
    /// A request that changes something may have had its effect: look before anything else is done.
    case ambiguous
    /// The installation is at fault, not the job: login, endpoint, TLS, every call forbidden.
    case site
}

/// One failed request to one service, told so that an operator can act on it. Never holds a secret.
package struct ServiceError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `nova`, `cinder`, `keystone`, `glance`, `neutron`, `paddles`, `nsupdate-web`, `ssh`, `dns`.
    package var service: String
    /// The provider, or empty for services of the whole lab.
    package var provider: String
    /// What was tried, in words: `create server`.
    package var operation: String
    /// `POST /servers`: method and path, never a query or a body.
    package var request: String
    package var status: Int?
    package var requestID: String?
    /// What the service said, at most a few hundred characters, or what the system said.
    package var message: String
    package var kind: ErrorClass
    package var retryAfter: Duration?
    /// What an operator can do about it.
    package var next: String

    package init(
        service: String, provider: String = "", operation: String, request: String = "", status: Int? = nil,
        requestID: String? = nil, message: String, kind: ErrorClass, retryAfter: Duration? = nil, next: String = ""
    ) {
        self.service = service
        self.provider = provider
        self.operation = operation
        self.request = request
        self.status = status
        self.requestID = requestID
        self.message = message
        self.kind = kind
        self.retryAfter = retryAfter
        self.next = next
    }

    package var description: String {
        var text = "\(service): \(operation) failed"
        if let status { text += " (HTTP \(status))" }
        text += ": \(message)"
        if let requestID { text += " [\(requestID)]" }
        return text
    }
}
