package import HTTPKit

package enum DNSType: UInt16, Sendable, Hashable {
    case a = 1
    case ns = 2
    case soa = 6
    case txt = 16
    case aaaa = 28

    package var name: String {
        switch self {
        case .a: "A"
        case .ns: "NS"
        case .soa: "SOA"
        case .txt: "TXT"
        case .aaaa: "AAAA"
        }
    }
}

package struct DNSRecord: Sendable, Hashable {
    package var type: DNSType
    /// As on the wire.
    package var data: [UInt8]
    /// As in a zone file.
    package var text: String
    /// Seconds.
    package var ttl: UInt32

    package static func address(_ address: NetworkAddress, ttl: UInt32) -> DNSRecord {
        switch address {
        case .v4(let bytes): DNSRecord(type: .a, data: bytes, text: address.description, ttl: ttl)
        case .v6(let bytes, _): DNSRecord(type: .aaaa, data: bytes, text: address.description, ttl: ttl)
        }
    }

    package static func text(_ text: String, ttl: UInt32) -> DNSRecord {
        let bytes = Array(text.utf8.prefix(255))
        return DNSRecord(type: .txt, data: [UInt8(bytes.count)] + bytes, text: "\"\(text)\"", ttl: ttl)
    }
}

/// One change of an update message (RFC 2136 section 2.5).
enum DNSChange: Sendable, Hashable {
    case add(DNSName, DNSRecord)
    /// `type` nil: everything at the name; `data` nil: every record of the type.
    case delete(DNSName, type: DNSType?, data: [UInt8]?)

    var name: DNSName {
        switch self {
        case .add(let name, _), .delete(let name, _, _): name
        }
    }
}

/// The lab's zone: what BIND holds behind nsupdate-web, and what a resolver is told (`answer`, in DNSZone+Wire).
package struct DNSZone: Sendable {
    /// What the name server does instead of answering properly.
    package enum Trouble: String, Sendable, Hashable {
        /// No answer at all.
        case silent
        case servfail
        case refused
        /// The TC bit and no records, whatever the size.
        case truncated
        /// Bytes that are no DNS message.
        case garbage
    }

    package let origin: DNSName
    package var trouble: Trouble?
    /// Grows with every update.
    package private(set) var serial: UInt32 = 1
    private var sets: [DNSName: [DNSRecord]] = [:]

    /// - Parameter origin: such as `front.lab.test`; nil when it is no domain name.
    package init?(origin: String) {
        guard let name = DNSName(origin) else { return nil }
        self.origin = name
    }

    package func records(_ name: DNSName) -> [DNSRecord] { sets[name] ?? [] }

    /// The addresses of a full name, in the order in which they were written; for tests and state pages.
    package func addresses(of name: String) -> [String] {
        guard let name = DNSName(name) else { return [] }
        return records(name).filter { $0.type == .a || $0.type == .aaaa }.map(\.text)
    }

    /// Sets or (with no records) removes a name behind the bridge's back.
    package mutating func replace(_ name: DNSName, with records: [DNSRecord]) {
        serial &+= 1
        sets[name] = records.isEmpty ? nil : records
    }

    /// Whether nothing is at or below a name, so that a query for it is NXDOMAIN.
    func isVoid(_ name: DNSName) -> Bool {
        sets[name] == nil && name != origin && !sets.keys.contains { $0.isInside(name) }
    }

    /// Applies one update message, all or nothing.
    /// - Returns: the RCODE's name unless it was done.
    mutating func apply(_ changes: [DNSChange]) -> String? {
        if changes.contains(where: { !$0.name.isInside(origin) }) { return "NOTZONE" }
        if changes.isEmpty { return nil }
        for change in changes {
            switch change {
            case .add(let name, let record):
                var records = sets[name, default: []]
                records.removeAll { $0.type == record.type && $0.data == record.data }
                records.append(record)
                // One record set has one TTL (RFC 2181 section 5.2).
                for index in records.indices where records[index].type == record.type {
                    records[index].ttl = record.ttl
                }
                sets[name] = records
            case .delete(let name, let type, let data):
                let kept = sets[name, default: []].filter { record in
                    (type != nil && record.type != type) || (data != nil && record.data != data)
                }
                sets[name] = kept.isEmpty ? nil : kept
            }
        }
        serial &+= 1
        return nil
    }

    /// For `/sandbox/state`: full name → `A 192.0.2.8`.
    package var state: JSONValue {
        var members: JSONObject = [:]
        for (name, records) in sets {
            members[name.description] = .array(records.map { .string("\($0.type.name) \($0.text)") })
        }
        return .object(members)
    }
}
