import Beanstalk
import Testing
import World

/// Valid traffic, damaged at random (with a fixed seed), in random pieces. Nothing may crash, and whatever is accepted
/// must stand in the bytes exactly so: written out again, the replies are the bytes that were consumed.
@Suite struct ReplyParserFuzzTests {
    @Test func damagedTrafficNeverYieldsWhatIsNotThere() throws {
        let conversation = try ReplyParserTests.conversation().map { wire($0.0) }
        var random = SplitMix(seed: 2)
        var accepted = 0
        var refused = 0
        for _ in 0..<100_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes += conversation[Int.random(in: 0..<conversation.count, using: &random)]
            }
            for _ in 0..<Int.random(in: 0...3, using: &random) { damage(&bytes, &random) }

            var parser = ReplyParser(bodyLimit: 64)
            var written: [UInt8] = []
            var rest = bytes[...]
            do {
                while !rest.isEmpty {
                    let size = Int.random(in: 1...max(1, min(rest.count, 12)), using: &random)
                    parser.append(Array(rest.prefix(size)))
                    rest = rest.dropFirst(size)
                    while let reply = try parser.next() {
                        written += reply.written
                        accepted += 1
                    }
                }
            } catch {
                refused += 1
            }
            if !bytes.starts(with: written) {
                // A number may be damaged into one with leading zeros; nothing else differs.
                #expect(bytes.contains(UInt8(ascii: "0")), "\(readable(bytes)) was read as \(readable(written))")
                #expect(readable(bytes).replacing(#/ 0+(?=\d)/#, with: " ").hasPrefix(readable(written)))
            }
        }
        #expect(accepted > 100_000)
        #expect(refused > 20_000)
    }

    private func damage(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(UInt8.random(in: 48...57, using: &random), at: place)
        case 4: bytes.insert(contentsOf: bytes[place...].prefix(8), at: place)
        default: bytes.removeSubrange(place...)
        }
    }
}

extension Reply {
    /// What a broker writes for it.
    fileprivate var written: [UInt8] {
        switch self {
        case .inserted(let id): wire("INSERTED \(id)|")
        case .buried(let id): wire(id.map { "BURIED \($0)|" } ?? "BURIED|")
        case .using(let tube): wire("USING \(tube)|")
        case .reserved(let job): wire("RESERVED \(job.id) \(job.body.count)|") + job.body + [13, 10]
        case .found(let job): wire("FOUND \(job.id) \(job.body.count)|") + job.body + [13, 10]
        case .ok(let body): wire("OK \(body.count)|") + body + [13, 10]
        case .watching(let count): wire("WATCHING \(count)|")
        case .kicked(let count): wire(count.map { "KICKED \($0)|" } ?? "KICKED|")
        case .timedOut, .deadlineSoon, .deleted, .released, .touched, .notIgnored, .notFound, .paused, .error:
            wire(keyword + "|")
        }
    }
}
