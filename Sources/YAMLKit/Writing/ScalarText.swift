/// How one scalar is written: plain where that is safe, else quoted, else as a literal block.
enum ScalarText {
    /// May end with newlines (a literal block that keeps them); then no further one is to be added.
    static func write(_ scalar: Scalar, indent: Int) -> String {
        guard scalar.type == .string, isNiceBlock(scalar.text) else { return inline(scalar) }
        return block(scalar.text, indent: indent)
    }

    static func inline(_ scalar: Scalar) -> String {
        switch scalar.type {
        case .null: "null"
        case .boolean, .integer, .float, .timestamp, .merge, .value: scalar.text
        case .string:
            isSafePlain(scalar.text)
                ? scalar.text : isSafeSingle(scalar.text) ? single(scalar.text) : double(scalar.text)
        }
    }

    /// Narrower than YAML: nothing that any reader, of 1.1 or 1.2, could take for something else than text.
    private static func isSafePlain(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last,
            first.isWord || first == UInt8(ascii: "/") || text.hasPrefix("~/"),
            last != UInt8(ascii: ":"), last != UInt8(ascii: " "), bytes.count <= 200
        else { return false }
        for (position, byte) in bytes.enumerated() where !byte.isWord {
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "~"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"),
                UInt8(ascii: "="),
                UInt8(ascii: "@"), UInt8(ascii: "%"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"),
                UInt8(ascii: "$"), UInt8(ascii: ";"):
                continue
            case UInt8(ascii: " "): if bytes[position + 1] == UInt8(ascii: "#") { return false }
            case UInt8(ascii: ":"): if bytes[position + 1] == UInt8(ascii: " ") { return false }
            default: return false
            }
        }
        return !looksTyped(text)
    }

    /// PyYAML's types, and what other readers take for numbers (`1e3`, `0o17`) or booleans (`y`).
    private static func looksTyped(_ text: String) -> Bool {
        if ScalarType(resolving: text) != .string || Double(text) != nil { return true }
        switch text.lowercased() {
        case "y", "n", "yes", "no", "true", "false", "on", "off", "null": return true
        default: return text.hasPrefix("0o") || text.hasPrefix("0O")
        }
    }

    private static func isSafeSingle(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.isPrintable && $0 != "\n" && $0 != "\t" && $0 != "\\" }
    }

    private static func single(_ text: String) -> String {
        var out = "'"
        for scalar in text.unicodeScalars { out += scalar == "'" ? "''" : String(scalar) }
        return out + "'"
    }

    private static func double(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.isPrintable: out.unicodeScalars.append(scalar)
            default:
                let hex = String(scalar.value, radix: 16, uppercase: true)
                let (letter, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
                out += "\\" + letter + String(repeating: "0", count: width - hex.utf8.count) + hex
            }
        }
        return out + "\""
    }

    /// Several lines that a literal block shows as they are: the first says how deep the block is indented, so it must
    /// not be blank or begin with one.
    private static func isNiceBlock(_ text: String) -> Bool {
        guard text.utf8.contains(UInt8(ascii: "\n")), let first = text.unicodeScalars.first, first != "\n",
            first != " ",
            first != "\t"
        else { return false }
        return text.unicodeScalars.allSatisfy(\.isPrintable)
    }

    private static func block(_ text: String, indent: Int) -> String {
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let chomping: String
        if lines.last?.isEmpty == true {
            lines.removeLast()
            chomping = lines.last?.isEmpty == true ? "+" : ""
        } else {
            chomping = "-"
        }
        let margin = String(repeating: " ", count: indent)
        return "|\(chomping)\n"
            + lines.map { ($0.isEmpty ? "" : margin + String(decoding: $0, as: UTF8.self)) + "\n" }.joined()
    }
}

extension UInt8 {
    var isWord: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension Unicode.Scalar {
    /// Allowed as it is in every style. NEL and the Unicode separators are line breaks to YAML 1.1.
    var isPrintable: Bool {
        isYAMLText && self != "\r" && value != 0x85 && value != 0x2028 && value != 0x2029 && value != 0xA0
    }
}
