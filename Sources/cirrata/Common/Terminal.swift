import EventLoop
import Glibc

/// Standard output or standard error: what it can show, and how to write to it.
struct Terminal: Sendable {
    enum Style: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    static let output = Terminal(STDOUT_FILENO)
    static let errors = Terminal(STDERR_FILENO)

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
        hasColour ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    func line(_ text: String = "") { write(text + "\n") }

    /// Whole or not at all, as far as it lies with us: what cannot be written (a pipe that nobody reads) is dropped.
    func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            while start < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
                if count > 0 {
                    start += count
                } else if errno == EAGAIN {
                    var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&wanted, 1, -1)
                } else if errno != EINTR {
                    return
                }
            }
        }
    }
}
