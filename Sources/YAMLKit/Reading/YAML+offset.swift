extension YAML {
    /// The byte at which a place begins, for changing a text without writing it anew.
    /// - Returns: nil when the text has no such place.
    package static func offset(of mark: Mark, in bytes: [UInt8]) -> Int? {
        // Columns do not count it, as `SourceText` drops it.
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var place = Mark(line: 1, column: 1)
        var offset = start
        var previous: Unicode.Scalar?
        var decoder = UTF8()
        var iterator = bytes[start...].makeIterator()
        while place < mark {
            guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
            offset += UTF8.width(scalar)
            if scalar == "\n", previous == "\r" {
                // The second half of one break.
            } else if scalar.isYAMLBreak {
                place = Mark(line: place.line + 1, column: 1)
            } else {
                place.column += 1
            }
            previous = scalar
        }
        // The line of a break's second half begins behind it.
        if previous == "\r", offset < bytes.count, bytes[offset] == UInt8(ascii: "\n") { offset += 1 }
        return place == mark ? offset : nil
    }
}
