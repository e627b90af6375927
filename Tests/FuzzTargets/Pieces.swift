import World

/// One input delivered in different pieces, as a network may.
enum Pieces {
    /// In one, byte by byte unless that are too many, and cut at places that the bytes themselves choose.
    static func all(of bytes: [UInt8]) -> [[[UInt8]]] {
        [[bytes], cut(bytes)] + (bytes.count <= 256 ? [bytes.map { [$0] }] : [])
    }

    private static func cut(_ bytes: [UInt8]) -> [[UInt8]] {
        var random = SplitMix(seed: Digest.of(bytes))
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = 1 + Int(random.next() % 24)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}

/// FNV-1a: a number that follows from the input alone.
enum Digest {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

extension [UInt8] {
    /// The parts between lines that consist of `mark`. A corpus of such inputs can be read and edited.
    func parts(between mark: String) -> [[UInt8]] {
        let separator = Array("\n\(mark)\n".utf8)
        var parts: [[UInt8]] = []
        var start = startIndex
        var index = startIndex
        while index + separator.count <= endIndex {
            if self[index..<index + separator.count].elementsEqual(separator) {
                parts.append(Array(self[start..<index]))
                index += separator.count
                start = index
            } else {
                index += 1
            }
        }
        return parts + [Array(self[start...])]
    }

    /// The first line as text, and what follows it.
    var firstLine: (text: String, rest: [UInt8]) {
        let end = firstIndex(of: UInt8(ascii: "\n")) ?? endIndex
        return (String(decoding: self[..<end], as: UTF8.self), Array(self[end...].dropFirst()))
    }
}
