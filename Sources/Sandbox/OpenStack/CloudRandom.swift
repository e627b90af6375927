import World

/// What a cloud makes up: ids, addresses, tokens. A value, so that a copy of a cloud goes on exactly as the original.
struct CloudRandom: Sendable {
    private var source: SplitMix

    init(seed: UInt64) {
        source = SplitMix(seed: seed)
    }

    mutating func next() -> UInt64 { source.next() }

    /// Uniform in 0..<1.
    mutating func fraction() -> Double { source.fraction() }

    /// In 0..<count; the bias of the remainder does not matter here.
    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }

    /// A version 4 UUID (RFC 9562 section 5.4).
    mutating func uuid() -> String { uuid(after: "") }

    mutating func requestID() -> String { uuid(after: "req-") }

    /// What Keystone makes its ids of: a UUID without hyphens.
    mutating func hex32() -> String {
        let words = [next(), next()]
        return Self.text(32) { place in Self.hexDigit(words[place / 16] >> UInt64(60 - place % 16 * 4)) }
    }

    /// Letters and digits: passwords of servers, audit ids.
    mutating func letters(_ count: Int) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)
        var bytes: [UInt8] = []
        for _ in 0..<count { bytes.append(alphabet[below(alphabet.count)]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// As long as a Fernet token and with its beginning.
    mutating func token() -> String { "gAAAAAB" + letters(176) }

    mutating func macAddress() -> String {
        let word = next()
        func pair(_ shift: UInt64) -> String {
            String(decoding: [Self.hexDigit(word >> (shift + 4)), Self.hexDigit(word >> shift)], as: UTF8.self)
        }
        return "fa:16:3e:" + pair(0) + ":" + pair(8) + ":" + pair(16)
    }

    /// A duration within `part` of `duration`, up or down.
    mutating func jittered(_ duration: Duration, part: Double) -> Duration {
        part == 0 ? duration : duration * (1 + part * (2 * fraction() - 1))
    }

    private mutating func uuid(after prefix: StaticString) -> String {
        let high = next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        let start = prefix.utf8CodeUnitCount
        return Self.text(start + 36) { place in
            if place < start { return prefix.utf8Start[place] }
            let place = place - start
            switch place {
            case 8, 13, 18, 23: return UInt8(ascii: "-")
            default: break
            }
            let hyphens = place < 8 ? 0 : place < 13 ? 1 : place < 18 ? 2 : place < 23 ? 3 : 4
            let digit = place - hyphens
            return Self.hexDigit(digit < 16 ? high >> UInt64(60 - digit * 4) : low >> UInt64(124 - digit * 4))
        }
    }

    private static func hexDigit(_ word: UInt64) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: word & 15)
        return digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }

    private static func text(_ count: Int, _ byte: (Int) -> UInt8) -> String {
        String(unsafeUninitializedCapacity: count) { buffer in
            for place in 0..<count { buffer[place] = byte(place) }
            return count
        }
    }
}
