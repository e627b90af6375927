import HTTPKit
import Testing

@Suite struct GzipTests {
    private static let samples: [(name: String, bytes: [UInt8])] = [
        ("nothing", []), ("one byte", [0]), ("two", [255, 254]), ("a run", Array(repeating: 120, count: 70_000)),
        ("every byte", (0..<1_024).map { UInt8(truncatingIfNeeded: $0) }),
        (
            "cloud-config",
            Array((0..<1_500).map { "- echo step \($0) of the set-up of this node\n" }.joined().utf8)
        ),
        ("noise", noise(40_000)), ("a repetition beyond the window", noise(33_000) + noise(33_000)),
    ]

    private static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 7
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    @Test(arguments: samples.indices)
    func comesBack(index: Int) {
        let bytes = Self.samples[index].bytes
        let packed = Gzip.compress(bytes)
        #expect(packed.prefix(10) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
        #expect(Inflater.inflate(Array(packed.dropFirst(10).dropLast(8))) == bytes)
        let tail = packed.suffix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #expect(UInt32(truncatingIfNeeded: tail) == Gzip.checksum(bytes))
        #expect(tail >> 32 == UInt64(bytes.count))
    }

    /// As Python's zlib.crc32 has them.
    @Test(arguments: [("", 0), ("123456789", 0xCBF4_3926), ("#cloud-config\n", 0xB8B3_5605)])
    func checksums(text: String, expected: UInt32) {
        #expect(Gzip.checksum(Array(text.utf8)) == expected)
    }

    @Test func textShrinksAndNoiseHardlyGrows() {
        let text = Self.samples[5].bytes
        #expect(Gzip.compress(text).count * 4 < text.count)
        let noise = Self.samples[6].bytes
        #expect(Gzip.compress(noise).count < noise.count * 110 / 100)
    }
}

/// Reads one block of fixed codes: RFC 1951 from the other side.
private struct Inflater {
    private let input: [UInt8]
    private var position = 0

    static func inflate(_ input: [UInt8]) -> [UInt8]? {
        var inflater = Inflater(input: input)
        return inflater.run()
    }

    private init(input: [UInt8]) {
        self.input = input
    }

    private mutating func run() -> [UInt8]? {
        guard bits(1) == 1, bits(2) == 1 else { return nil }
        var output: [UInt8] = []
        while let symbol = symbol() {
            switch symbol {
            case 0..<256: output.append(UInt8(symbol))
            case 256: return position + 7 >= input.count * 8 ? output : nil
            default:
                guard let length = length(symbol - 257), let distance = distance(), distance <= output.count else {
                    return nil
                }
                for _ in 0..<length { output.append(output[output.count - distance]) }
            }
        }
        return nil
    }

    private mutating func bits(_ count: Int) -> Int? {
        var value = 0
        for index in 0..<count {
            guard position < input.count * 8 else { return nil }
            value |= Int(input[position / 8] >> UInt8(position % 8) & 1) << index
            position += 1
        }
        return value
    }

    private mutating func code(_ count: Int, after start: Int = 0) -> Int? {
        var value = start
        for _ in 0..<count {
            guard let bit = bits(1) else { return nil }
            value = value << 1 | bit
        }
        return value
    }

    private mutating func symbol() -> Int? {
        guard let seven = code(7) else { return nil }
        if seven < 24 { return 256 + seven }
        guard let eight = code(1, after: seven) else { return nil }
        if eight < 192 { return eight - 48 }
        if eight < 200 { return 280 + eight - 192 }
        return code(1, after: eight).map { 144 + $0 - 400 }
    }

    private mutating func length(_ code: Int) -> Int? {
        if code < 8 { return code + 3 }
        if code == 28 { return 258 }
        let extra = code / 4 - 1
        return bits(extra).map { ((4 + code % 4) << extra) + 3 + $0 }
    }

    private mutating func distance() -> Int? {
        guard let code = code(5) else { return nil }
        if code < 4 { return code + 1 }
        let extra = code / 2 - 1
        return bits(extra).map { ((2 + code % 2) << extra) + 1 + $0 }
    }
}
