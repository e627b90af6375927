/// Input without its UTF-8 byte order mark.
struct SourceText {
    let bytes: ArraySlice<UInt8>
    let source: String

    init(_ bytes: [UInt8], source: String, limit: Int) throws(YAMLError) {
        func refuse(_ problem: String, _ hint: String) -> YAMLError {
            YAMLError(source: source, mark: Mark(line: 1, column: 1), problem: problem, hint: hint)
        }
        guard bytes.count <= limit else {
            throw refuse("\(bytes.count) bytes are too many", "at most \(limit) are read")
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw refuse("this is UTF-16", "save it as UTF-8")
        }
        self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        self.source = source
    }

    /// - Throws: unless it is UTF-8 and holds only characters that YAML allows.
    func requireYAML() throws(YAMLError) {
        guard let (mark, problem) = firstForbidden else { return }
        throw YAMLError(source: source, mark: mark, problem: problem, hint: "YAML is text in UTF-8")
    }

    private var firstForbidden: (Mark, String)? {
        var counter = MarkCounter()
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while true {
            switch decoder.decode(&iterator) {
            case .emptyInput: return nil
            case .error: return (counter.mark, "this is not UTF-8")
            case .scalarValue(let scalar):
                guard scalar.isYAMLText else {
                    let code = String(scalar.value, radix: 16, uppercase: true)
                    return (counter.mark, "the character U+\(code) is not allowed")
                }
                counter.pass(scalar)
            }
        }
    }
}

/// Counts lines and columns as libyaml does.
struct MarkCounter {
    /// Of the character that comes next.
    private(set) var mark = Mark(line: 1, column: 1)
    private var previous: Unicode.Scalar?

    mutating func pass(_ scalar: Unicode.Scalar) {
        if scalar == "\n", previous == "\r" {
            // The second half of one break.
        } else if scalar.isYAMLBreak {
            mark = Mark(line: mark.line + 1, column: 1)
        } else {
            mark.column += 1
        }
        previous = scalar
    }
}

extension Unicode.Scalar {
    /// YAML 1.1 production 1, "c-printable", as libyaml's reader has it.
    var isYAMLText: Bool {
        switch value {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: value != 0xFEFF
        default: false
        }
    }

    /// Ends a line in YAML 1.1, and so in libyaml's counting; CR LF is one break.
    var isYAMLBreak: Bool {
        switch value {
        case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }
}
