import HTTPKit

/// Makes one line for people of an answer that is not what we wanted.
enum AnswerText {
    /// The title of an HTML page, else the text itself.
    static func summary(of response: HTTPResponse) -> String {
        let text = response.text
        if let open = text.firstRange(of: "<title>"),
            let close = text[open.upperBound...].firstRange(of: "</title>")
        {
            return "an HTML page: \(shortened(String(text[open.upperBound..<close.lowerBound])))"
        }
        let line = shortened(text)
        return line.isEmpty ? "an empty answer" : line
    }

    /// One line of at most 300 characters; control characters become spaces.
    static func shortened(_ text: String) -> String {
        let words = text.split {
            $0.isWhitespace || $0.unicodeScalars.contains { $0.properties.generalCategory == .control }
        }
        let line = words.joined(separator: " ")
        return line.count <= 300 ? line : line.prefix(299) + "…"
    }
}
