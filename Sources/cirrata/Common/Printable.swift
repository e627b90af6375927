import HTTPKit

/// Texts that come from elsewhere (services, job bodies, consoles) as a terminal may be shown them: without anything
/// that it would take for a command.
enum Printable {
    /// On one line: every control character becomes a blank.
    static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isPrintable($0) ? $0 : " " }))
    }

    /// Keeps the line breaks.
    static func lines(_ text: String) -> [String] {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { line(String($0)) }
    }

    /// The first ones, and how many there are besides.
    static func list(_ texts: [String]) -> String {
        let rest = texts.count - 10
        return texts.prefix(10).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    /// At most so many characters, with a sign that there was more.
    static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : String(text.prefix(max(0, width - 1))) + "…"
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.isTerminalControl && !Terminal.Style.isMark(scalar)
    }
}
