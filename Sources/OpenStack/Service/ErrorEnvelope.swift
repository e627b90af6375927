import HTTPKit

/// What a service says in an answer that is not a success, in whichever of the many forms (facts/openstack.md 1.3).
struct ErrorEnvelope: Sendable, Hashable {
    enum Form: Sendable, Hashable {
        /// `{"itemNotFound": {"code", "message"}}`: Nova and Cinder themselves, with the key.
        case keyed(String)
        /// `{"NeutronError": {"type", "message"}}`, with the type.
        case neutron(String)
        /// `{"error": {"code", "title", "message"}}`: Keystone, and its middleware in front of the others.
        case keystone
        /// `{"message", "code", "title"}`: Glance itself; elsewhere the web framework, before the service saw anything.
        case flat
        /// HTML, text or nothing: a proxy, most likely.
        case foreign
    }

    var form: Form
    /// For people: one line, no markup, a few hundred characters at most.
    var message: String

    init(_ response: HTTPResponse) {
        let said: String
        if let json = try? JSONValue(parsing: response.body), let object = json.object {
            let text: JSONValue?
            if let error = object["NeutronError"] {
                form = .neutron(error["type"]?.string ?? "")
                text = error["message"] ?? error
            } else if let error = object["error"] {
                form = .keystone
                text = error["message"] ?? error
            } else if let flat = object["message"] {
                form = .flat
                text = flat
            } else if object.count == 1, let (key, value) = object.first, value.object != nil {
                form = .keyed(key)
                text = value["message"] ?? value
            } else {
                // A gateway's own form, whose words stand as they are.
                form = .foreign
                text = object.isEmpty ? .none : json
            }
            said = AnswerText.plain(text.map { $0.string ?? $0.text } ?? "")
        } else {
            form = .foreign
            said = AnswerText.words(of: response)
        }
        message = said.isEmpty ? "HTTP \(response.status)" : said
    }

    func mentions(_ words: String...) -> Bool {
        let text = message.lowercased()
        return words.contains { text.contains($0) }
    }
}
