package import HTTPKit
package import Simulation
import World

/// What becomes of one request or its answer.
package enum RequestFault: Sendable, Hashable, CaseIterable {
    case refused
    case timeoutBefore
    case timeoutAfter
    case resetBefore
    case resetAfter
    case badRequest
    case unauthorized
    case forbidden
    case notFound
    case notFoundPage
    case conflict
    case tooLarge
    case tooLargeRetryAfter
    case tooMany
    case tooManyRetryAfter
    case internalError
    /// A proxy gave up waiting for a service that then did it.
    case badGatewayAfter
    case badGateway
    case unavailable
    case unavailableRetryAfter
    case truncatedAfter
    case wrongJSONAfter
    case emptyAfter

    package func delivery(of request: HTTPRequest) -> SimulatedHTTP.Delivery {
        switch self {
        case .refused: .instead(.failure(.connect, of: request, mayHaveArrived: false))
        case .timeoutBefore: .instead(.never)
        case .timeoutAfter: .deliverThen(.never)
        case .resetBefore: .instead(.failure(.reset, of: request, mayHaveArrived: true))
        case .resetAfter: .deliverThen(.failure(.reset, of: request, mayHaveArrived: true))
        case .badRequest: Self.refusal(400, "badRequest", "Simulated refusal.")
        case .unauthorized: Self.refusal(401, "error", "The request you have made requires authentication.")
        case .forbidden: Self.refusal(403, "forbidden", "Policy doesn't allow this to be performed.")
        // paddles says so only of a node that it does not know: that would be believed, and rightly.
        case .notFound where request.url.contains("/paddles/"): .instead(Self.page(404, "Not Found"))
        // As the web framework says it of paths that it does not know.
        case .notFound: Self.refusal(404, "itemNotFound", "The resource could not be found.")
        case .notFoundPage: .instead(Self.page(404, "Not Found"))
        case .conflict: Self.refusal(409, "conflictingRequest", "There was a conflict with another request.")
        case .tooLarge: Self.refusal(413, "overLimit", "Quota exceeded.")
        case .tooLargeRetryAfter: Self.refusal(413, "overLimit", "This request was rate-limited.", retryAfter: 7)
        case .tooMany: Self.refusal(429, "overLimit", "Too many requests.")
        case .tooManyRetryAfter: Self.refusal(429, "overLimit", "Too many requests.", retryAfter: 7)
        case .internalError: Self.refusal(500, "computeFault", "The server has erred.")
        case .badGatewayAfter: .deliverThen(Self.page(504, "Gateway Time-out"))
        case .badGateway: .instead(Self.page(502, "Bad Gateway"))
        case .unavailable: .instead(Self.page(503, "Service Unavailable"))
        case .unavailableRetryAfter: Self.refusal(503, "serviceUnavailable", "Come back later.", retryAfter: 7)
        case .truncatedAfter:
            .deliverAndChange { answer in
                Self.changed(answer) { $0.body = Array($0.body.prefix($0.body.count / 2)) }
            }
        case .wrongJSONAfter:
            .deliverAndChange { answer in
                Self.changed(answer) { $0.body = Array(#"{"unexpected": ["answer", 1, null]}"#.utf8) }
            }
        case .emptyAfter:
            .deliverAndChange { answer in
                Self.changed(answer) { $0 = HTTPResponse(status: 200, headers: $0.headers) }
            }
        }
    }

    private static func refusal(
        _ status: Int, _ kind: String, _ message: String, retryAfter: Int? = nil
    ) -> SimulatedHTTP.Delivery {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        if let retryAfter { headers["Retry-After"] = String(retryAfter) }
        let body: JSONValue = .object([kind: ["code": .integer(status), "message": .string(message)]])
        return .instead(.response(HTTPResponse(status: status, headers: headers, body: body.bytes)))
    }

    private static func page(_ status: Int, _ title: String) -> SimulatedAnswer {
        let text = "<html><head><title>\(status) \(title)</title></head><body><h1>\(title)</h1></body></html>\n"
        return .response(
            HTTPResponse(status: status, headers: ["Content-Type": "text/html"], body: Array(text.utf8)))
    }

    private static func changed(
        _ answer: SimulatedAnswer, _ change: (inout HTTPResponse) -> Void
    ) -> SimulatedAnswer {
        guard case .response(var response, let after) = answer, response.status < 300 else { return answer }
        change(&response)
        return .response(response, after: after)
    }
}
