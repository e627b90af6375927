package import HTTPKit

/// Which requests go wrong, and how. What a cloud does wrong by itself (a server in ERROR, a lost volume) is planned
/// with the cloud instead (`SandboxControl`).
package struct FaultRule: Sendable, Hashable {
    /// What becomes of the connection.
    package enum Wire: Sendable, Hashable {
        case sound
        /// RST, with nothing sent.
        case reset
        /// Closed without an answer.
        case close
        case stall
        /// HTTP/1.0 without a length, whoever asked.
        case closeDelimited
        /// The whole length is announced and so many bytes of the body are sent.
        case truncated(keep: Int)
    }

    // Which requests. Nil: any.
    package var service: SandboxService?
    package var method: HTTPMethod?
    /// What the path below the service begins with: `/v2.1/servers`.
    package var path: String?
    /// A regular expression that is found in path and query below the service.
    package var pattern: String?

    // Which of those.
    /// So many pass first.
    package var skip = 0
    /// So many are hit; nil: all that follow.
    package var count: Int?
    package var probability = 1.0

    // How.
    /// Whether the service gets the request, and what it changes is changed.
    package var takesEffect: Bool
    /// Before anything comes back.
    package var delay = Duration.zero
    /// Replaces the service's status; with `takesEffect` false and nil: 503.
    package var status: Int?
    package var headers: HTTPHeaders = [:]
    /// Replaces the service's body: another text, HTML, broken JSON.
    package var body: [UInt8]?
    package var wire = Wire.sound

    package init(takesEffect: Bool) {
        self.takesEffect = takesEffect
    }

    /// An answer instead of the service's.
    package static func answering(
        _ status: Int, body: String = "", headers: HTTPHeaders = [:], takesEffect: Bool = false
    ) -> FaultRule {
        var rule = FaultRule(takesEffect: takesEffect)
        rule.status = status
        rule.headers = headers
        rule.body = Array(body.utf8)
        return rule
    }

    package static func breaking(_ wire: Wire, takesEffect: Bool) -> FaultRule {
        var rule = FaultRule(takesEffect: takesEffect)
        rule.wire = wire
        return rule
    }

    func matches(_ service: SandboxService, _ request: HTTPRequest) -> Bool {
        if let wanted = self.service, wanted != service { return false }
        if let wanted = method, wanted != request.method { return false }
        if let path, !request.url.hasPrefix(path) { return false }
        // A pattern is tried when a rule is made; one that cannot be read matches nothing.
        if let pattern { return (try? Regex(pattern).firstMatch(in: request.url)) != nil }
        return true
    }

    /// - Parameter real: asks the service; called only if the request takes effect.
    func answer(asking real: () -> ServerAnswer) -> ServerAnswer {
        let sound = takesEffect ? real() : nil
        var answer = sound ?? ServerAnswer(.raw([]))
        answer.after += delay
        switch wire {
        case .reset: answer.form = .reset
        case .close: answer.form = .raw([])
        case .stall: answer.form = .stall
        case .sound: if let response = replaced(sound) { answer.form = form(response, like: sound) }
        case .closeDelimited: if let response = replaced(sound) { answer.form = .closeDelimited(response) }
        case .truncated(let keep):
            if let response = replaced(sound) { answer.form = .truncated(response, keep: keep) }
        }
        return answer
    }

    /// The response with what the rule replaces; nil when the service sent none and the rule names none.
    private func replaced(_ sound: ServerAnswer?) -> HTTPResponse? {
        if sound != nil, sound?.response == nil, status == nil { return nil }
        var response = sound?.response ?? HTTPResponse(status: status ?? 503)
        if let status { response.status = status }
        if let body { response.body = body }
        for field in headers.fields { response.headers[field.name] = field.value }
        return response
    }

    private func form(_ response: HTTPResponse, like sound: ServerAnswer?) -> ServerAnswer.Form {
        if case .closeDelimited = sound?.form { return .closeDelimited(response) }
        return .response(response)
    }
}
