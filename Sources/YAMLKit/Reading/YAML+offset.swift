extension YAML {
    /// The byte at which a place begins, for changing a text without writing it anew.
    /// - Returns: nil when the text has no such place.
    package static func offset(of mark: Mark, in bytes: [UInt8]) -> Int? {
        // Columns do not count it, as `SourceText` drops it.
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var counter = MarkCounter()
        var offset = start
        var decoder = UTF8()
        var iterator = bytes[start...].makeIterator()
        while counter.mark < mark {
            guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
            offset += UTF8.width(scalar)
            counter.pass(scalar)
        }
        // The line of a break's second half begins behind it.
        if offset > start, bytes[offset - 1] == UInt8(ascii: "\r"), offset < bytes.count,
            bytes[offset] == UInt8(ascii: "\n")
        {
            offset += 1
        }
        return counter.mark == mark ? offset : nil
    }
}
