import EventLoop
import Glibc
import HTTPKit
import World

/// Standard output or standard error: what it can show, and how to write to it. Whatever a text holds, the terminal gets
/// no command but ours: control characters become blanks here, and styles become commands only after that.
struct Terminal: Sendable {
    /// Stands in a text as a mark before what it is about: of a private area of Unicode that nothing is known to use.
    enum Style: Character {
        case bold = "\u{10FF01}"
        case dim = "\u{10FF02}"
        case red = "\u{10FF03}"
        case green = "\u{10FF04}"
        case yellow = "\u{10FF05}"
        case cyan = "\u{10FF06}"

        fileprivate static let end: Unicode.Scalar = "\u{10FF00}"

        static func isMark(_ scalar: Unicode.Scalar) -> Bool { (0x10FF00...0x10FF06).contains(scalar.value) }

        /// Select Graphic Rendition (ECMA-48).
        fileprivate var code: Int {
            switch self {
            case .bold: 1
            case .dim: 2
            case .red: 31
            case .green: 32
            case .yellow: 33
            case .cyan: 36
            }
        }
    }

    static let output = Terminal(STDOUT_FILENO)
    static let errors = Terminal(STDERR_FILENO)
    /// Raised when nobody reads standard output any more.
    static let outputClosed = Signal<Void>()

    private let descriptor: Int32
    /// People look at it: colour, and lines that are written over.
    let isInteractive: Bool
    /// Colour, only where people look and nobody objects (https://no-color.org).
    let hasColour: Bool
    /// Columns.
    let width: Int

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        isInteractive = isatty(descriptor) == 1 && Self.variable("TERM") != "dumb"
        hasColour = isInteractive && Self.variable("NO_COLOR").isEmpty
        width = isInteractive ? terminalWidth(descriptor) ?? 80 : 80
    }

    private static func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }

    func styled(_ text: String, _ style: Style) -> String {
        hasColour ? "\(style.rawValue)\(Printable.line(text))\(Style.end)" : text
    }

    /// One line, whatever the text holds.
    func line(_ text: String = "") { write(shown(text) + "\n") }

    /// A text of several lines.
    func lines(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { shown(String($0)) }
        write(lines.joined(separator: "\n") + (lines.last == "" ? "" : "\n"))
    }

    /// Text behind which the line goes on.
    func show(_ text: String) { write(shown(text)) }

    /// Empties the line, so that it can be written anew; nothing where nobody looks.
    func eraseLine() { if isInteractive { write("\r\u{1B}[K") } }

    /// Empties the screen; nothing where nobody looks.
    func clear() { if isInteractive { write("\u{1B}[H\u{1B}[2J") } }

    private func shown(_ text: String) -> String {
        var shown = ""
        var isStyled = false
        for scalar in text.unicodeScalars {
            guard Style.isMark(scalar) else {
                shown.unicodeScalars.append(scalar.isTerminalControl ? " " : scalar)
                continue
            }
            let style = hasColour ? Style(rawValue: Character(scalar)) : nil
            if let style { shown += "\u{1B}[\(style.code)m" } else if isStyled { shown += "\u{1B}[0m" }
            isStyled = style != nil
        }
        return isStyled ? shown + "\u{1B}[0m" : shown
    }

    /// Whole or not at all, as far as it lies with us: what cannot be written is dropped. Blocks while nobody reads.
    private func write(_ text: String) {
        let error = writeWhole(text, to: descriptor)
        if error == EPIPE, descriptor == STDOUT_FILENO { Self.outputClosed.raise(()) }
    }
}
