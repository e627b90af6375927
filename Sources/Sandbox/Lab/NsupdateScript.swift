import World

/// The part of BIND's `nsupdate` that reads commands: what nsupdate-web pipes into it is a script, and a name with a
/// newline in it is more script. Types other than A, AAAA and TXT are not modelled.
struct NsupdateScript: Sendable {
    /// What happens to each `send`.
    enum Transport: Sendable, Hashable {
        case delivered
        /// Nothing arrives; this is what nsupdate prints.
        case fails(String)
    }

    private enum Stop: Error {
        /// Printed, and the rest of the script is not read.
        case syntax(String)
    }

    private let transport: Transport
    private let now: Timestamp
    private var zone: DNSName?
    private var pending: [DNSChange] = []
    private var printed = ""

    /// Runs a script against a zone.
    /// - Returns: what it prints to its standard error.
    static func run(
        _ script: [UInt8], on dns: inout DNSZone, transport: Transport, at now: Timestamp
    ) -> String {
        var run = NsupdateScript(transport: transport, now: now)
        do throws(Stop) {
            for line in script.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
                if try run.command(line, &dns) == .quit { break }
            }
        } catch {
            switch error {
            case .syntax(let message): run.printed += message + "\nsyntax error\n"
            }
        }
        return run.printed
    }

    private init(transport: Transport, now: Timestamp) {
        self.transport = transport
        self.now = now
    }

    private enum Next { case more, quit }

    private mutating func command(_ line: ArraySlice<UInt8>, _ dns: inout DNSZone) throws(Stop) -> Next {
        var words = Words(line)
        guard let word = words.next() else {
            send(&dns)  // an empty line sends
            return .more
        }
        if word.hasPrefix(";") { return .more }
        switch word.lowercased() {
        case "quit": return .quit
        case "send": send(&dns)
        case "zone":
            guard let name = words.next() else { throw .syntax("could not read zone name") }
            zone = try parse(Array(name.utf8))
        case "update": try update(words.next()?.lowercased(), &words)
        case "add", "del", "delete": try update(word.lowercased(), &words)
        case "server", "local", "key", "class", "ttl", "debug", "show", "answer", "check-names": break
        default: throw .syntax("incorrect section name: \(word)")
        }
        return .more
    }

    private mutating func send(_ dns: inout DNSZone) {
        defer { pending = [] }
        if pending.isEmpty { return }
        switch transport {
        case .fails(let message): printed += message
        case .delivered:
            // A server that is not authoritative for the zone refuses.
            let failure = zone == dns.origin ? dns.apply(pending) : "REFUSED"
            if let failure { printed += "update failed: \(failure)\n" }
        }
    }

    private mutating func update(_ verb: String?, _ words: inout Words) throws(Stop) {
        switch verb {
        case "add": try add(&words)
        case "del", "delete": try delete(&words)
        case nil: throw .syntax("could not read operation code")
        case let verb?: throw .syntax("incorrect operation code: \(verb)")
        }
    }

    private mutating func add(_ words: inout Words) throws(Stop) {
        let name = try owner(&words)
        guard let ttlText = words.next() else { throw .syntax("could not read owner ttl") }
        guard let ttl = UInt32(ttlText) else { throw .syntax("ttl '\(ttlText)': not a valid number") }
        guard let word = words.next() else { throw .syntax("could not read class or type") }
        let type = try type(word, &words)
        guard let text = words.rest() else { throw .syntax("could not read rdata") }
        let record = try record(type, text, ttl)
        if type != .txt, !name.isHostName { throw .syntax("check-names failed: bad owner '\(name)'") }
        pending.append(.add(name, record))
    }

    private mutating func delete(_ words: inout Words) throws(Stop) {
        let name = try owner(&words)
        var word = words.next()
        if let ttl = word, UInt32(ttl) != nil { word = words.next() }
        guard let word else {
            pending.append(.delete(name, type: nil, data: nil))
            return
        }
        let type = try type(word, &words)
        let data = try words.rest().map { text throws(Stop) in try record(type, text, 0).data }
        pending.append(.delete(name, type: type, data: data))
    }

    private func owner(_ words: inout Words) throws(Stop) -> DNSName {
        guard let bytes = words.nextBytes() else { throw .syntax("could not read owner name") }
        return try parse(bytes)
    }

    private func parse(_ name: [UInt8]) throws(Stop) -> DNSName {
        do throws(DNSName.Malformed) {
            return try DNSName(parsing: name)
        } catch {
            throw .syntax("invalid owner name: \(error.rawValue)")
        }
    }

    /// A type, after the class IN if that is written.
    private func type(_ word: String, _ words: inout Words) throws(Stop) -> DNSType {
        var word = word
        if word.uppercased() == "IN" {
            guard let next = words.next() else { throw .syntax("could not read type") }
            word = next
        }
        switch word.uppercased() {
        case "A": return .a
        case "AAAA": return .aaaa
        case "TXT": return .txt
        default: throw .syntax("'\(word)' is not a valid class or type: unknown class/type")
        }
    }

    private func record(_ type: DNSType, _ text: String, _ ttl: UInt32) throws(Stop) -> DNSRecord {
        if type == .txt {
            return .text(text.hasPrefix("\"") ? String(text.dropFirst().prefix { $0 != "\"" }) : text, ttl: ttl)
        }
        switch (type, NetworkAddress(parsing: text)) {
        case (.a, .v4(let bytes)?): return .address(.v4(bytes), ttl: ttl)
        case (.aaaa, .v6(let bytes, scope: nil)?): return .address(.v6(bytes, scope: nil), ttl: ttl)
        default:
            let problem = type == .a ? "bad dotted quad" : "bad IPv6 address"
            throw .syntax(
                "\(HTTPDate.log(now)) dns_rdata_fromtext: buffer-0x7fdeb1559c60:1: near '\(text)': \(problem)\n"
                    + "invalid rdata format: \(problem)")
        }
    }

    /// The words of a line; a NUL ends it, as in C.
    private struct Words {
        private var bytes: ArraySlice<UInt8>

        init(_ line: ArraySlice<UInt8>) {
            bytes = line.prefix { $0 != 0 }
        }

        mutating func nextBytes() -> [UInt8]? {
            bytes = bytes.drop(while: Self.isSpace)
            let word = bytes.prefix { !Self.isSpace($0) }
            bytes = bytes.dropFirst(word.count)
            return word.isEmpty ? nil : Array(word)
        }

        mutating func next() -> String? { nextBytes().map { String(decoding: $0, as: UTF8.self) } }

        mutating func rest() -> String? {
            var text = bytes.drop(while: Self.isSpace)
            while let last = text.last, Self.isSpace(last) { text.removeLast() }
            bytes = []
            return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
        }

        private static func isSpace(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
        }
    }
}
