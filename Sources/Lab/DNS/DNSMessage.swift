/// A DNS message, as far as address look-ups need it (RFC 1035 section 4, RFC 3596): written and read without trust in
/// any length or pointer of the other side.
package struct DNSMessage: Sendable, Hashable {
    package enum RecordType: UInt16, Sendable, Hashable {
        case a = 1
        case cname = 5
        case aaaa = 28
    }

    package struct Question: Sendable, Hashable {
        package var name: DNSName
        package var type: UInt16
    }

    package struct Record: Sendable, Hashable {
        package enum Content: Sendable, Hashable {
            case address(IPAddress)
            case alias(DNSName)
            case other(type: UInt16)
        }

        package var name: DNSName
        package var lifetime: UInt32
        package var content: Content
    }

    package struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
        package var detail: String

        package var description: String { "malformed DNS message: \(detail)" }
    }

    package var id: UInt16
    package var isResponse: Bool
    /// The answer did not fit into a datagram; what is here is a part of it.
    package var isTruncated: Bool
    /// RCODE: 0 no error, 2 server failure, 3 no such name, 5 refused.
    package var responseCode: UInt8
    package var questions: [Question]
    package var answers: [Record]

    private static let internet: UInt16 = 1
    private static let headerSize = 12

    /// The bytes of a query that asks a recursive or an authoritative server.
    package static func query(id: UInt16, name: DNSName, type: RecordType) -> [UInt8] {
        var out: [UInt8] = []
        func put(_ value: UInt16) { out += [UInt8(value >> 8), UInt8(value & 255)] }
        put(id)
        put(0x0100)  // recursion desired
        put(1)
        for _ in 0..<3 { put(0) }
        for label in name.labels {
            out.append(UInt8(label.count))
            out += label
        }
        out.append(0)
        put(type.rawValue)
        put(internet)
        return out
    }

    /// - Throws: `Malformed`. Bytes behind the answer section are not looked at.
    package init(parsing bytes: [UInt8]) throws(Malformed) {
        var reader = DNSReader(bytes)
        id = try reader.number16()
        let flags = try reader.number16()
        let questionCount = try reader.number16()
        let answerCount = try reader.number16()
        try reader.skip(4)
        isResponse = flags & 0x8000 != 0
        isTruncated = flags & 0x0200 != 0
        responseCode = UInt8(flags & 15)
        questions = []
        answers = []
        for _ in 0..<questionCount {
            let name = try reader.name()
            questions.append(Question(name: name, type: try reader.number16()))
            try reader.skip(2)
        }
        for _ in 0..<answerCount {
            do {
                answers.append(try Self.record(&reader))
            } catch {
                // A cut message may end anywhere; the records before the cut are whole.
                guard isTruncated else { throw error }
                break
            }
        }
    }

    private static func record(_ reader: inout DNSReader) throws(Malformed) -> Record {
        let name = try reader.name()
        let type = try reader.number16()
        let inInternet = try reader.number16() == internet
        let lifetime = UInt32(try reader.number16()) << 16 | UInt32(try reader.number16())
        let length = Int(try reader.number16())
        let end = reader.position + length
        let content: Record.Content
        switch inInternet ? RecordType(rawValue: type) : nil {
        case .a:
            guard length == 4, let address = IPAddress(bytes: try reader.bytes(4)) else {
                throw Malformed(detail: "an A record of \(length) bytes")
            }
            content = .address(address)
        case .aaaa:
            guard length == 16, let address = IPAddress(bytes: try reader.bytes(16)) else {
                throw Malformed(detail: "an AAAA record of \(length) bytes")
            }
            content = .address(address)
        case .cname:
            content = .alias(try reader.name())
        case nil:
            try reader.skip(length)
            content = .other(type: type)
        }
        guard reader.position == end else { throw Malformed(detail: "a record longer or shorter than it says") }
        return Record(name: name, lifetime: lifetime, content: content)
    }

    /// The addresses of `name` in the answers, along its aliases, in the order given.
    package func addresses(of name: DNSName) -> [IPAddress] {
        var names = [name]
        // A chain is never longer than the answers, so a loop of aliases ends.
        for _ in answers {
            let next = answers.lazy.compactMap { record -> DNSName? in
                guard record.name == names.last, case .alias(let target) = record.content else { return nil }
                return target
            }.first
            guard let next, !names.contains(next) else { break }
            names.append(next)
        }
        return answers.compactMap { record in
            guard names.contains(record.name), case .address(let address) = record.content else { return nil }
            return address
        }
    }
}
