import HTTPKit

/// Why a server went to ERROR.
package struct ServerFault: Sendable, Hashable {
    package var code: Int
    package var message: String

    package init(code: Int, message: String) {
        self.code = code
        self.message = message
    }

    init(json: JSONValue) {
        code = json["code"]?.integer ?? 500
        message = AnswerText.plain(json["message"]?.string ?? "")
    }

    /// Nova gives 413 for a quota that it checks again after the 202 (facts/openstack.md 1.4).
    package var kind: FaultKind { FaultKind(words: message) ?? (code == 413 ? .quota : .other) }
}
