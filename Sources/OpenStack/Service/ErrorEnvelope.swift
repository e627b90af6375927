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
        let fallback = "HTTP \(response.status)"
        guard let json = try? JSONValue(parsing: response.body), let object = json.object else {
            form = .foreign
            let text = Self.plain(response.text)
            message = text.isEmpty ? fallback : text
            return
        }
        var text: String?
        if let error = object["NeutronError"] {
            form = .neutron(error["type"]?.string ?? "")
            text = error["message"]?.string ?? error.string
        } else if let error = object["error"] {
            form = .keystone
            text = error["message"]?.string ?? error.string
        } else if let flat = object["message"]?.string {
            form = .flat
            text = flat
        } else if object.count == 1, let (key, value) = object.first, value.object != nil {
            form = .keyed(key)
            text = value["message"]?.string
        } else {
            form = .foreign
        }
        let plain = text.map(Self.plain) ?? ""
        message = plain.isEmpty ? fallback : plain
    }

    func mentions(_ words: String...) -> Bool {
        let text = message.lowercased()
        return words.contains { text.contains($0) }
    }

    /// Without tags, on one line, cut.
    static func plain(_ text: String) -> String {
        var out: [UInt8] = []
        var isTag = false
        var isGap = false
        // Exception names come as `<class 'nova.exception.X'>`: worth more than any other tag, so they stay.
        for byte in text.replacing("<class '", with: "(").replacing("'>", with: ")").utf8.prefix(4_096) {
            switch byte {
            case UInt8(ascii: "<"): isTag = true
            case UInt8(ascii: ">") where isTag:
                isTag = false
                isGap = true
            case _ where isTag: break
            case 0...0x20, 0x7F: isGap = true
            default:
                if isGap, !out.isEmpty { out.append(UInt8(ascii: " ")) }
                isGap = false
                out.append(byte)
            }
        }
        let line = String(decoding: out, as: UTF8.self)
        return line.count <= 400 ? line : line.prefix(399) + "…"
    }
}
