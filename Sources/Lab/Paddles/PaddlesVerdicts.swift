import HTTPKit
import Resilience

/// The one place that says what an answer of paddles means (facts/teuthology.md section 1).
enum PaddlesVerdicts {
    static let service = "paddles"

    private static let checkAddress = "check lock_server in the configuration"

    /// Answers that are values for one kind of request: nil from `judge`, read by the client.
    enum Expected: Sendable {
        case nothing
        /// 404 `node not found`.
        case missingNode
        /// 403 with one of the texts of `refusal`.
        case refusal
        /// 403 already locked, 503 not enough.
        case lockMany
    }

    static func judge(_ response: HTTPResponse, expecting: Expected) -> Verdict? {
        if response.status == 200 { return nil }
        let text = message(of: response)
        switch response.status {
        case 300..<400:
            return Verdict(
                .site, "\(response.redirection); nothing was read or written",
                next: "\(checkAddress): scheme, host and path")
        case 400:
            return Verdict(.permanent, text, next: "correct what the job asks of paddles")
        case 401, 407:
            return Verdict(.site, text, next: "paddles itself asks for no login; \(checkAddress)")
        case 403:
            if expecting == .refusal, refusal(in: text) != nil { return nil }
            if expecting == .lockMany, refusal(in: text) == .alreadyLocked { return nil }
            return Verdict(.site, text, next: checkAddress)
        case 404:
            // A missing node is told in JSON; HTML comes from the routing: no paddles at this address.
            guard isJSON(response) else { return Verdict(.site, text, next: checkAddress) }
            if expecting == .missingNode { return nil }
            return Verdict(.permanent, text, next: "create the node in paddles, or correct its name")
        case 408, 425, 429:
            return Verdict(.transient, text)
        case 503:
            if expecting == .lockMany, isShortage(text) { return nil }
            // A lost serialisation race comes from a healthy service, and nothing was written.
            return Verdict(.transient, text, isOutage: !text.contains("DB error"))
        case 500...:
            return Verdict(
                .transient, text, next: "look into paddles' log; its database may be down", isOutage: true)
        default:
            return Verdict(.site, text, next: checkAddress)
        }
    }

    static func refusal(in text: String) -> LockRefusal? {
        if text.contains("Cannot lock an already-locked node") { return .alreadyLocked }
        if text.contains("Cannot unlock an already-unlocked node") { return .alreadyUnlocked }
        if text.contains("locked_by values must match") { return .otherOwner }
        if text.contains("description values must match") { return .otherDescription }
        return nil
    }

    /// `only 3 nodes available`.
    static func isShortage(_ text: String) -> Bool {
        text.hasPrefix("only ") && text.contains("available")
    }

    static func available(in text: String) -> Int? {
        text.split(separator: " ").lazy.compactMap { Int($0) }.first
    }

    /// What an answer says. `message` may be any JSON, because paddles passes error texts through a query string
    /// (facts/teuthology.md 1.9); crashes and routing errors are HTML.
    static func message(of response: HTTPResponse) -> String {
        if let json = try? JSONValue(parsing: response.body), let said = json["message"] {
            let text = said.array?.map { $0.string ?? $0.text }.joined(separator: "; ") ?? said.string ?? said.text
            return AnswerText.shortened(text)
        }
        return AnswerText.summary(of: response)
    }

    private static func isJSON(_ response: HTTPResponse) -> Bool {
        (try? JSONValue(parsing: response.body)) != nil
    }
}
