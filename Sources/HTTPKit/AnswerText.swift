/// Makes one line for people of what somebody else wrote: an answer that is not what we wanted, a program's complaint.
package enum AnswerText {
    private static let limit = 400
    /// Of an answer; what comes later is not looked at.
    private static let mostRead = 1 << 16

    /// An answer's own words; of a page of HTML those that a browser shows.
    package static func summary(of response: HTTPResponse) -> String {
        let text = words(of: response)
        let start = String(decoding: response.body.prefix(512), as: UTF8.self).lowercased()
        let isPage = ["<html", "<!doctype html", "<title", "<body"].contains { start.contains($0) }
        return text.isEmpty ? "an empty answer" : isPage ? "an HTML page: \(text)" : text
    }

    /// The same without a word of ours: empty when there is nothing to read.
    package static func words(of response: HTTPResponse) -> String {
        let text = String(decoding: response.body.prefix(mostRead), as: UTF8.self)
        let shown = shortened(withoutMarkup(text, hiding: ["script", "style", "head", "title"]))
        return shown.isEmpty ? shortened(withoutMarkup(text, hiding: ["script", "style"])) : shown
    }

    /// Without markup, on one line, cut.
    package static func plain(_ text: String) -> String { shortened(withoutMarkup(text, hiding: [])) }

    /// One line of at most 400 characters, of which none controls a terminal.
    package static func shortened(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        var isGap = false
        for scalar in text.unicodeScalars.prefix(mostRead) {
            if scalar.properties.isWhitespace || isControl(scalar) {
                isGap = true
                continue
            }
            if isGap, !line.isEmpty { line.append(" ") }
            isGap = false
            line.append(scalar)
        }
        let whole = String(line)
        return whole.count <= limit ? whole : whole.prefix(limit - 1) + "…"
    }

    /// C0, DEL, C1, and the marks that turn the direction of text, which can make a line read as another.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    // MARK: Markup

    /// - Parameter elements: dropped with all that is in them.
    private static func withoutMarkup(_ text: String, hiding elements: [String]) -> String {
        // Exception names come as `<class 'nova.exception.X'>`: worth more than any other tag, so they stay.
        let bytes = Array(text.replacing("<class '", with: "(").replacing("'>", with: ")").utf8)
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "<"), let name = tagName(bytes, index + 1) else {
                out.append(bytes[index])
                index += 1
                continue
            }
            out.append(UInt8(ascii: " "))
            let end = elements.contains(name) ? "</\(name)" : name == "!--" ? "-->" : ""
            let last = find(end, in: bytes, from: index)
            index = last.flatMap { bytes[$0...].firstIndex(of: UInt8(ascii: ">")) }.map { $0 + 1 } ?? bytes.count
        }
        return entities.reduce(String(decoding: out, as: UTF8.self)) { $0.replacing($1.0, with: $1.1) }
    }

    /// The last is the one that the others begin with.
    private static let entities = [
        ("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"),
        ("&#x27;", "'"), ("&apos;", "'"), ("&amp;", "&"),
    ]

    /// In lower case; empty of an end; nil where `<` begins no tag: "5 < 6".
    private static func tagName(_ bytes: [UInt8], _ start: Int) -> String? {
        if bytes[start...].starts(with: "!--".utf8) { return "!--" }
        guard start < bytes.count else { return nil }
        switch bytes[start] {
        case UInt8(ascii: "/"), UInt8(ascii: "!"), UInt8(ascii: "?"): return ""
        default:
            let name = bytes[start...].prefix { $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") }
            return name.isEmpty ? nil : String(decoding: name.map { $0 | 0x20 }, as: UTF8.self)
        }
    }

    /// Where a text of ASCII in lower case is found, whatever its case there.
    private static func find(_ text: String, in bytes: [UInt8], from start: Int) -> Int? {
        let wanted = Array(text.utf8)
        var index = start
        while index + wanted.count <= bytes.count {
            let here = bytes[index..<index + wanted.count]
            if zip(here, wanted).allSatisfy({ $0 == $1 || ($0 | 0x20 == $1 && $0 & 0x40 != 0) }) { return index }
            index += 1
        }
        return nil
    }
}
