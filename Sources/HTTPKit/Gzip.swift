/// Compression (RFC 1952 around RFC 1951) for what must be small rather than fast to make: repetitions are found, the
/// codes are the fixed ones, so text shrinks to a third or less and noise not at all. The result depends on the input
/// alone: no name, no time.
package enum Gzip {
    package static func compress(_ bytes: [UInt8]) -> [UInt8] {
        // Method 8 (deflate), no flags, no time, no hint, system unknown.
        var output: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        var writer = DeflateWriter()
        writer.write(bytes)
        output += writer.finished()
        append(checksum(bytes), to: &output)
        append(UInt32(truncatingIfNeeded: bytes.count), to: &output)
        return output
    }

    private static func append(_ value: UInt32, to output: inout [UInt8]) {
        for shift in stride(from: 0, to: 32, by: 8) { output.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    /// CRC-32 (RFC 1952 section 8).
    package static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = .max
        for byte in bytes { crc = table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
        return ~crc
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1 }
    }
}

/// One deflate block with fixed codes (RFC 1951 section 3.2.6).
private struct DeflateWriter {
    private var output: [UInt8] = []
    private var bits: UInt64 = 0
    private var bitCount = 0

    private static let shortest = 3
    private static let longest = 258
    private static let window = 32_768
    /// How many earlier places are tried for one position.
    private static let patience = 64

    /// The first length of each code from 257 on, and its extra bits.
    private static let lengths: [(base: Int, extra: Int)] = codes(
        extras: [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5], from: 3)
    private static let distances: [(base: Int, extra: Int)] = codes(
        extras: [0, 0, 0, 0] + (1...13).flatMap { [$0, $0] }, from: 1)

    private static func codes(extras: [Int], from first: Int) -> [(base: Int, extra: Int)] {
        var base = first
        return extras.map { extra in
            defer { base += 1 << extra }
            return (base, extra)
        }
    }

    mutating func write(_ bytes: [UInt8]) {
        // The last block, of fixed codes.
        put(0b011, 3)
        // For every three bytes the last place where they stood, and for every place the one before it.
        var last: [UInt32: Int] = [:]
        var before = [Int](repeating: -1, count: bytes.count)
        func note(_ place: Int) {
            guard place + Self.shortest <= bytes.count else { return }
            before[place] = last.updateValue(place, forKey: Self.key(bytes, place)) ?? -1
        }
        var place = 0
        while place < bytes.count {
            var best = (length: 0, distance: 0)
            if place + Self.shortest <= bytes.count {
                var candidate = last[Self.key(bytes, place)] ?? -1
                var tries = 0
                while candidate >= 0, place - candidate <= Self.window, tries < Self.patience {
                    let length = Self.common(bytes, candidate, place)
                    if length > best.length { best = (length, place - candidate) }
                    candidate = before[candidate]
                    tries += 1
                }
            }
            if best.length >= Self.shortest {
                put(length: best.length, distance: best.distance)
            } else {
                best.length = 1
                put(symbol: Int(bytes[place]))
            }
            for _ in 0..<best.length {
                note(place)
                place += 1
            }
        }
        put(symbol: 256)
    }

    private static func key(_ bytes: [UInt8], _ place: Int) -> UInt32 {
        UInt32(bytes[place]) << 16 | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2])
    }

    private static func common(_ bytes: [UInt8], _ a: Int, _ b: Int) -> Int {
        var length = 0
        while length < longest, b + length < bytes.count, bytes[a + length] == bytes[b + length] { length += 1 }
        return length
    }

    mutating func finished() -> [UInt8] {
        if bitCount > 0 { put(0, 8 - bitCount) }
        return output
    }

    private mutating func put(length: Int, distance: Int) {
        // The longest length has a code of its own, although the one before it could say it too.
        if length == Self.longest {
            put(symbol: 285)
        } else {
            put(length, Self.lengths) { writer, code in writer.put(symbol: 257 + code) }
        }
        put(distance, Self.distances) { writer, code in writer.put(code: code, 5) }
    }

    private mutating func put(
        _ value: Int, _ codes: [(base: Int, extra: Int)], _ write: (inout DeflateWriter, Int) -> Void
    ) {
        guard let code = codes.lastIndex(where: { $0.base <= value }) else { return }
        write(&self, code)
        put(UInt64(value - codes[code].base), codes[code].extra)
    }

    /// A literal, an end or a length, by the fixed codes.
    private mutating func put(symbol: Int) {
        switch symbol {
        case ..<144: put(code: 0x30 + symbol, 8)
        case ..<256: put(code: 0x190 + symbol - 144, 9)
        case ..<280: put(code: symbol - 256, 7)
        default: put(code: 0xC0 + symbol - 280, 8)
        }
    }

    /// Codes begin with their most significant bit, everything else with its least.
    private mutating func put(code: Int, _ count: Int) {
        var reversed: UInt64 = 0
        for bit in 0..<count where code >> bit & 1 == 1 { reversed |= 1 << UInt64(count - 1 - bit) }
        put(reversed, count)
    }

    private mutating func put(_ value: UInt64, _ count: Int) {
        bits |= value << UInt64(bitCount)
        bitCount += count
        while bitCount >= 8 {
            output.append(UInt8(truncatingIfNeeded: bits))
            bits >>= 8
            bitCount -= 8
        }
    }
}
