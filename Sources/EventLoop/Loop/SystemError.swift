import Glibc

/// A system call that failed where no better error fits.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    package var doing: String
    package var code: Int32

    package init(doing: String, code: Int32 = errno) {
        self.doing = doing
        self.code = code
    }

    package var description: String { "\(doing): \(Self.text(code))" }

    /// `Connection refused`.
    static func text(_ code: Int32) -> String {
        // strerror may return a shared buffer, but only for numbers that do not exist.
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
