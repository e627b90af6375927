/// Sends one request and reads its whole answer. Redirects are never followed: paddles turns a PUT into a GET that
/// looks like success (facts/teuthology.md 1.2).
package protocol HTTPTransport: Sendable {
    /// - Throws: `HTTPFailure` when there is no whole answer; `CancellationError` when the task was cancelled.
    func execute(_ request: HTTPRequest) async throws -> HTTPResponse
}

/// Why there is no answer.
package struct HTTPFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Reason: String, Sendable, Hashable {
        /// The host name has no address.
        case resolve
        /// No connection: refused, unreachable, time-out while connecting.
        case connect
        /// The certificate or the handshake.
        case tls
        /// What answers at the port of an https URL speaks no TLS.
        case notTLS
        /// No whole answer within `HTTPRequest.timeout`.
        case timeout
        /// The connection ended before the whole answer was there.
        case reset
        case answerTooLarge
        /// Not HTTP.
        case malformed
        /// The URL or an option cannot be used at all.
        case badRequest
    }

    package var reason: Reason
    /// `GET http://host/path`, without query values that may be secret.
    package var request: String
    /// What the system said.
    package var detail: String
    /// Whether the server may have seen the request, and so have acted on it.
    package var mayHaveArrived: Bool

    package init(reason: Reason, request: String, detail: String, mayHaveArrived: Bool) {
        self.reason = reason
        self.request = request
        self.detail = detail
        self.mayHaveArrived = mayHaveArrived
    }

    package var description: String { "\(request): \(detail)" }
}
