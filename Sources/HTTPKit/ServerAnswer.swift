/// What a server does about one request: usually a response, and in the Sandbox also everything that real services and
/// wires do instead. `HTTPServer` plays it over a socket; the Simulation plays it in process.
package struct ServerAnswer: Sendable, Hashable {
    package enum Form: Sendable, Hashable {
        /// An ordinary response. A length is added when none is given; `Connection: close` closes.
        case response(HTTPResponse)
        /// HTTP/1.0 with only the headers given and no length: the body ends when the connection does.
        case closeDelimited(HTTPResponse)
        /// These bytes as they are, then the connection is closed. Empty: closed without an answer.
        case raw([UInt8])
        /// Announces the whole body, sends `keep` bytes of it, then closes.
        case truncated(HTTPResponse, keep: Int)
        /// The connection is reset (RST), with nothing sent.
        case reset
        /// Nothing at all, until the client leaves.
        case stall
    }

    package var form: Form
    /// How long the server waits before it does that.
    package var after: Duration

    package init(_ form: Form, after: Duration = .zero) {
        self.form = form
        self.after = after
    }

    package static func response(_ response: HTTPResponse, after: Duration = .zero) -> ServerAnswer {
        ServerAnswer(.response(response), after: after)
    }

    /// The response that a client reads, if it reads a whole one.
    package var response: HTTPResponse? {
        switch form {
        case .response(let response), .closeDelimited(let response): response
        case .raw, .truncated, .reset, .stall: nil
        }
    }
}
