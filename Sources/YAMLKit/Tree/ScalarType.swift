/// The type that PyYAML's resolver (YAML 1.1 as it implements it) gives to a plain scalar. Teuthology and cloud-init
/// read with PyYAML, so its reading is the one that counts, not the letter of either YAML specification.
package enum ScalarType: Sendable, Hashable {
    case null, boolean, integer, float, timestamp, merge, value, string

    package init(resolving text: String) {
        let bytes = Array(text.utf8)
        guard let first = bytes.first else {
            self = .null
            return
        }
        switch first {
        case UInt8(ascii: "<"): self = text == "<<" ? .merge : .string
        case UInt8(ascii: "="): self = text == "=" ? .value : .string
        case UInt8(ascii: "~"), UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "y"), UInt8(ascii: "Y"),
            UInt8(ascii: "t"), UInt8(ascii: "T"), UInt8(ascii: "f"), UInt8(ascii: "F"), UInt8(ascii: "o"),
            UInt8(ascii: "O"):
            self = Self.word(text)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
            var scanner = NumberScanner(bytes)
            self = scanner.type
        default: self = .string
        }
    }

    /// The name of the tag that a plain scalar of this type has without one; nil where that cannot be written.
    var tag: String? {
        switch self {
        case .null: "null"
        case .boolean: "bool"
        case .integer: "int"
        case .float: "float"
        case .timestamp: "timestamp"
        case .merge, .value, .string: nil
        }
    }

    private static func word(_ text: String) -> ScalarType {
        switch text {
        case "~", "null", "Null", "NULL": .null
        default: boolean(text) == nil ? .string : .boolean
        }
    }

    /// yes/no, true/false, on/off in lower case, upper case or capitalised.
    package static func boolean(_ text: String) -> Bool? {
        switch text {
        case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": true
        case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": false
        default: nil
        }
    }

    /// The value of a text of type `integer`: decimal, `0x`, `0b`, leading-zero octal, base 60, with underscores. Nil
    /// also when it does not fit into 64 bits.
    package static func integer(_ text: String) -> Int? {
        guard ScalarType(resolving: text) == .integer else { return nil }
        var digits = Substring(text.filter { $0 != "_" })
        var sign = ""
        if let first = digits.first, first == "-" || first == "+" {
            sign = first == "-" ? "-" : ""
            digits = digits.dropFirst()
        }
        if digits.contains(":") {
            var total = 0
            for part in digits.split(separator: ":") {
                guard let value = Int(part) else { return nil }
                let (scaled, overflow) = total.multipliedReportingOverflow(by: 60)
                let (sum, sumOverflow) = scaled.addingReportingOverflow(value)
                if overflow || sumOverflow { return nil }
                total = sum
            }
            return sign.isEmpty ? total : -total
        }
        if digits.hasPrefix("0b") { return Int(sign + digits.dropFirst(2), radix: 2) }
        if digits.hasPrefix("0x") { return Int(sign + digits.dropFirst(2), radix: 16) }
        if digits.hasPrefix("0"), digits.utf8.count > 1 { return Int(sign + digits, radix: 8) }
        return Int(sign + digits)
    }

    /// The value of a text of type `float` or `integer`. Nil for infinities, NaN and base 60, which mean nothing here.
    package static func number(_ text: String) -> Double? {
        if let whole = integer(text) { return Double(whole) }
        guard ScalarType(resolving: text) == .float else { return nil }
        return Double(text.filter { $0 != "_" }).flatMap { $0.isFinite ? $0 : nil }
    }

    static func floatText(_ value: Double) -> String {
        if value.isNaN { return ".nan" }
        if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
        let text = "\(value)"
        guard let exponent = text.firstIndex(of: "e") else { return text }
        let mantissa = text[..<exponent]
        let power = text[text.index(after: exponent)...]
        return (mantissa.contains(".") ? mantissa : mantissa + ".0") + "e"
            + (power.hasPrefix("-") || power.hasPrefix("+") ? String(power) : "+" + power)
    }
}

/// Recognises PyYAML's integers, floats and dates.
private struct NumberScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var type: ScalarType {
        mutating get {
            if isTimestamp() { return .timestamp }
            position = 0
            _ = skip("-") || skip("+")
            let start = position
            if skip("."), text(from: position, isOneOf: ["inf", "Inf", "INF"]) { return .float }
            position = start
            if start == 0, skip("."), text(from: position, isOneOf: ["nan", "NaN", "NAN"]) { return .float }
            position = start
            return isInteger(from: start) ? .integer : isFloat(from: start) ? .float : .string
        }
    }

    private mutating func isInteger(from start: Int) -> Bool {
        for (prefix, digits) in [("b", "01_"), ("x", "0123456789abcdefABCDEF_"), ("", "01234567_")] {
            position = start
            if skip("0"), prefix.isEmpty || skip(prefix), run(digits) > 0, atEnd { return true }
        }
        position = start
        if skip("0"), atEnd { return true }
        position = start
        guard run("123456789") > 0 else { return false }
        _ = run("0123456789_")
        return atEnd || (sixties() && atEnd)
    }

    private mutating func isFloat(from start: Int) -> Bool {
        position = start
        if start == 0, skip("."), run("0123456789") > 0 {
            _ = run("0123456789_")
            return exponent() && atEnd
        }
        position = start
        guard run("0123456789") > 0 else { return false }
        _ = run("0123456789_")
        let isSixty = peek == UInt8(ascii: ":") && sixties()
        guard skip(".") else { return false }
        _ = run("0123456789_")
        return (isSixty || exponent()) && atEnd
    }

    /// An optional exponent, which PyYAML accepts only with a sign.
    private mutating func exponent() -> Bool {
        guard skip("e") || skip("E") else { return true }
        return (skip("-") || skip("+")) && run("0123456789") > 0
    }

    /// One or more `:59`.
    private mutating func sixties() -> Bool {
        var count = 0
        while skip(":") {
            let start = position
            let digits = run("0123456789")
            guard digits == 1 || (digits == 2 && bytes[start] < UInt8(ascii: "6")) else { return false }
            count += 1
        }
        return count > 0
    }

    private mutating func isTimestamp() -> Bool {
        position = 0
        guard run("0123456789") == 4, skip("-") else { return false }
        let month = run("0123456789")
        guard (1...2).contains(month), skip("-") else { return false }
        let day = run("0123456789")
        guard (1...2).contains(day) else { return false }
        if atEnd { return month == 2 && day == 2 }
        guard skip("T") || skip("t") || run(" \t") > 0, (1...2).contains(run("0123456789")), skip(":"),
            run("0123456789") == 2, skip(":"), run("0123456789") == 2
        else { return false }
        if skip(".") { _ = run("0123456789") }
        if atEnd { return true }
        _ = run(" \t")
        if skip("Z") { return atEnd }
        guard skip("-") || skip("+"), (1...2).contains(run("0123456789")) else { return false }
        return atEnd || (skip(":") && run("0123456789") == 2 && atEnd)
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }
    private var atEnd: Bool { position == bytes.count }

    private mutating func skip(_ character: String) -> Bool {
        guard let peek, character.utf8.first == peek else { return false }
        position += 1
        return true
    }

    private mutating func run(_ characters: String) -> Int {
        let start = position
        while let peek, characters.utf8.contains(peek) { position += 1 }
        return position - start
    }

    private func text(from start: Int, isOneOf words: [String]) -> Bool {
        words.contains { bytes[start...].elementsEqual($0.utf8) }
    }
}
