import HTTPKit

/// Status and fields of an answer, built from the lines that libcurl hands over one by one: of every block that comes
/// before the final one too (100, 103, a proxy's), and of the trailers after the body.
struct AnswerHead {
    /// 200 without any line: an HTTP/0.9 answer is nothing but a body, and nsupdate-web is known to send one.
    private(set) var status = 200
    private(set) var headers = HTTPHeaders()
    /// Of all lines, to bound them.
    private(set) var byteCount = 0
    private var isComplete = false

    mutating func add(_ line: some Collection<UInt8>) {
        byteCount += line.count
        let text = Self.trimmed(Self.text(line)[...])
        if let first = line.first, first == UInt8(ascii: " ") || first == UInt8(ascii: "\t"), !text.isEmpty {
            fold(text)
        } else if text.hasPrefix("HTTP/") {
            start(text)
        } else if text.isEmpty {
            isComplete = true
        } else if !isComplete, let colon = text.firstIndex(of: ":") {
            headers.add(String(text[..<colon]), String(Self.trimmed(text[text.index(after: colon)...])))
        }
    }

    /// `HTTP/1.1 200 OK`: a new block, which replaces the one before.
    private mutating func start(_ line: Substring) {
        let parts = line.split(separator: " ", maxSplits: 2)
        status = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        headers = HTTPHeaders()
        isComplete = false
    }

    /// A line that goes on with the value before it (RFC 9112 section 5.2).
    private mutating func fold(_ text: Substring) {
        guard !isComplete, let last = headers.fields.last else { return }
        let value = last.value.isEmpty ? String(text) : "\(last.value) \(text)"
        headers = HTTPHeaders(headers.fields.dropLast() + [HTTPHeaders.Field(name: last.name, value: value)])
    }

    /// Values end up in logs and messages; the control characters that libcurl lets through have no business there.
    private static func text(_ line: some Collection<UInt8>) -> String {
        String(decoding: line.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0.isNewline }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }
}
