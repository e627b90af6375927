/// Answers of a DNS server, byte by byte as BIND sends them.
enum DNSFixture {
    struct Record: Sendable {
        /// By default a pointer to the question's name.
        var owner: [UInt8] = [0xC0, 12]
        var type: UInt16
        var data: [UInt8]

        static func a(_ bytes: UInt8...) -> Record { Record(type: 1, data: bytes) }
    }

    static func encoded(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    static func reply(
        to name: String, id: UInt16 = 1, type: UInt16 = 1, code: UInt8 = 0, records: [Record] = []
    ) -> [UInt8] {
        reply(question: encoded(name) + [0, UInt8(type), 0, 1], id: [UInt8(id >> 8), UInt8(id & 255)], code, records)
    }

    /// Answers whatever `query` asks.
    static func reply(to query: [UInt8], code: UInt8 = 0, records: [Record] = []) -> [UInt8] {
        reply(question: Array(query[12...]), id: Array(query[..<2]), code, records)
    }

    private static func reply(question: [UInt8], id: [UInt8], _ code: UInt8, _ records: [Record]) -> [UInt8] {
        var out = id + [0x85, 0x80 | code, 0, 1, 0, UInt8(records.count), 0, 0, 0, 0] + question
        for record in records {
            out += record.owner + [UInt8(record.type >> 8), UInt8(record.type & 255), 0, 1, 0, 0, 0, 60]
            out += [UInt8(record.data.count >> 8), UInt8(record.data.count & 255)] + record.data
        }
        return out
    }
}
