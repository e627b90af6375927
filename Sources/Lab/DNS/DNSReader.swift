/// Reads numbers and names of a DNS message and never beyond its end.
struct DNSReader {
    private let message: [UInt8]
    private(set) var position = 0

    init(_ message: [UInt8]) {
        self.message = message
    }

    mutating func number16() throws(DNSMessage.Malformed) -> UInt16 {
        let pair = try bytes(2)
        return pair.reduce(0) { $0 << 8 | UInt16($1) }
    }

    mutating func bytes(_ count: Int) throws(DNSMessage.Malformed) -> ArraySlice<UInt8> {
        guard count <= message.count - position else { throw DNSMessage.Malformed(detail: "it ends too early") }
        defer { position += count }
        return message[position..<position + count]
    }

    mutating func skip(_ count: Int) throws(DNSMessage.Malformed) {
        _ = try bytes(count)
    }

    /// A name, following compression pointers (RFC 1035 section 4.1.4). Each pointer must lead further back than
    /// the part that it ends, so that no chain of them can loop.
    mutating func name() throws(DNSMessage.Malformed) -> DNSName {
        var labels: [[UInt8]] = []
        var length = 1
        var start = position
        var resume: Int?
        while true {
            let head = try bytes(1).first ?? 0
            switch head {
            case 0:
                if let resume { position = resume }
                guard let name = DNSName(labels: labels) else { throw DNSMessage.Malformed(detail: "a bad name") }
                return name
            case 1...63:
                length += Int(head) + 1
                guard length <= 255 else { throw DNSMessage.Malformed(detail: "a name of more than 255 bytes") }
                labels.append(Array(try bytes(Int(head))))
            case 0xC0...0xFF:
                let target = Int(head & 0x3F) << 8 | Int(try bytes(1).first ?? 0)
                guard target < start else { throw DNSMessage.Malformed(detail: "a compression pointer that loops") }
                if resume == nil { resume = position }
                start = target
                position = target
            default:
                throw DNSMessage.Malformed(detail: "a label of an unknown kind")
            }
        }
    }
}
