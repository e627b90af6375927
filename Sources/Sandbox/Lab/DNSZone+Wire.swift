/// Answering resolvers (RFC 1035 section 4, RFC 2308 for what is not there).
extension DNSZone {
    /// A plain UDP answer never has more (RFC 1035 section 2.3.4); a longer one carries the TC bit and no records.
    private static let maximumDatagram = 512

    private enum Code: UInt8 {
        case noError = 0
        case formatError = 1
        case serverFailure = 2
        case nameError = 3
        case notImplemented = 4
        case refused = 5
    }

    /// The answer to one query datagram; nil where a server stays silent: junk too short for an id, and answers.
    package func answer(_ query: [UInt8]) -> [UInt8]? {
        guard query.count >= 12, query[2] & 0x80 == 0 else { return nil }
        switch trouble {
        case .silent: return nil
        case .garbage: return [0xDE, 0xAD, 0xBE, 0xEF]
        case .servfail, .refused, .truncated, nil: break
        }
        guard query[2] & 0x78 == 0 else { return message(query, nil, .notImplemented) }
        guard let question = Question(query) else { return message(query, nil, .formatError) }
        if trouble == .servfail { return message(query, question, .serverFailure) }
        if trouble == .refused || !question.name.isInside(origin) { return message(query, question, .refused) }
        if trouble == .truncated { return message(query, question, .noError, truncated: true) }

        let found = lookUp(question)
        let answer = message(query, question, found == nil ? .nameError : .noError, answers: found ?? [])
        if answer.count <= Self.maximumDatagram { return answer }
        return message(query, question, .noError, truncated: true)
    }

    /// nil: the name does not exist; empty: it does, but not with this type.
    private func lookUp(_ question: Question) -> [DNSRecord]? {
        var records = records(question.name)
        if isVoid(question.name) {
            // The closest wildcard (RFC 4592), which no existing name between it and us may block.
            var parent = Array(question.name.labels.dropFirst())
            while parent.count >= origin.labels.count {
                records = self.records(DNSName(labels: [[UInt8(ascii: "*")]] + parent))
                if !records.isEmpty || !isVoid(DNSName(labels: parent)) { break }
                parent.removeFirst()
            }
            if records.isEmpty { return nil }
        }
        if question.name == origin { records += [startOfAuthority] }
        let any: UInt16 = 255
        return records.filter { question.type == any || $0.type.rawValue == question.type }
    }

    private var startOfAuthority: DNSRecord {
        var data = Self.wire(DNSName(labels: [Array("ns1".utf8)] + origin.labels))
        data += Self.wire(DNSName(labels: [Array("hostmaster".utf8)] + origin.labels))
        for number in [serial, 3_600, 600, 86_400, 60] { data += Self.wire(number) }
        return DNSRecord(type: .soa, data: data, text: "ns1.\(origin) hostmaster.\(origin) \(serial)", ttl: 60)
    }

    private func message(
        _ query: [UInt8], _ question: Question?, _ code: Code, answers: [DNSRecord] = [], truncated: Bool = false
    ) -> [UInt8] {
        // Without an answer from our zone the SOA says for how long that may be believed.
        let fromZone = code == .noError || code == .nameError
        let authority = fromZone && answers.isEmpty && !truncated ? [startOfAuthority] : []
        var out = Array(query[0..<2])
        let recursionDesired = query[2] & 0x01
        out.append(0x80 | (fromZone ? 0x04 : 0) | (truncated ? 0x02 : 0) | recursionDesired)
        out.append(code.rawValue)
        for count in [question == nil ? 0 : 1, answers.count, authority.count, 0] {
            out += [UInt8(count >> 8), UInt8(count & 0xFF)]
        }
        guard let question else { return out }
        out += question.bytes
        for record in answers { Self.write(record, owner: [0xC0, 0x0C], into: &out) }
        for record in authority { Self.write(record, owner: Self.wire(origin), into: &out) }
        return out
    }

    private static func write(_ record: DNSRecord, owner: [UInt8], into out: inout [UInt8]) {
        out += owner
        out += [UInt8(record.type.rawValue >> 8), UInt8(record.type.rawValue & 0xFF), 0, 1]
        out += wire(record.ttl)
        out += [UInt8(record.data.count >> 8), UInt8(record.data.count & 0xFF)]
        out += record.data
    }

    private static func wire(_ name: DNSName) -> [UInt8] {
        name.labels.reduce(into: []) { $0 += [UInt8($1.count)] + $1 } + [0]
    }

    private static func wire(_ number: UInt32) -> [UInt8] {
        stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
    }

    /// The only question of a query, class IN. A name in a question is never compressed.
    private struct Question {
        var name: DNSName
        var type: UInt16
        /// Given back as it came.
        var bytes: [UInt8]

        init?(_ query: [UInt8]) {
            guard query[4] == 0, query[5] == 1 else { return nil }
            var labels: [[UInt8]] = []
            var index = 12
            while true {
                guard index < query.count else { return nil }
                let length = Int(query[index])
                index += 1
                if length == 0 { break }
                guard length <= 63, index + length <= query.count else { return nil }
                labels.append(Array(query[index..<(index + length)]))
                index += length
            }
            guard index - 12 <= 255, index + 4 <= query.count, query[index + 2] == 0, query[index + 3] == 1 else {
                return nil
            }
            name = DNSName(labels: labels)
            type = UInt16(query[index]) << 8 | UInt16(query[index + 1])
            bytes = Array(query[12..<(index + 4)])
        }
    }
}
