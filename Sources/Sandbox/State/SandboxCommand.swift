import HTTPKit
import World

/// One thing to do to a Sandbox behind its users' back: `{"do": "set-node", …}`. Each says in its case what it takes.
enum SandboxCommand: Sendable {
    /// `set-node` `name`, `fields` {column: value}: past all lock rules.
    case setNode(String, JSONObject)
    /// `set-record` `name` (full), `addresses`; an empty list removes the name. nsupdate-web is not told.
    case setRecord(String, [String])
    /// `paddles`: `database_down`, `database_errors` (count), `conflicting_locks` (count).
    case paddles(Paddles.Trouble)
    /// `nsupdate`: `trouble` (see `NsupdateTroubleName`), `count`, `text`; `restart` true makes it forget.
    case nsupdate(NsupdateWeb.Trouble?, count: Int?, restart: Bool)
    /// `dns`: `trouble`: silent, servfail, refused, truncated, garbage, none.
    case dns(DNSZone.Trouble?)
    /// `age` `by` (seconds): everything in the cloud, and every lock in paddles, is so much older.
    case age(Duration)
    /// Anything that is done to the cloud.
    case cloud(CloudCommand)

    private enum NsupdateTroubleName: String, CaseIterable {
        case none, warning, timeout
        case timeoutApplied = "timeout-applied"
        case wrongKey = "wrong-key"
        case keyFileMissing = "key-file-missing"
        case nameServerDown = "name-server-down"
        case zoneRefuses = "zone-refuses"
        case silentFailure = "silent-failure"
        case programMissing = "program-missing"
    }

    private enum DNSTroubleName: String, CaseIterable { case none, silent, servfail, refused, truncated, garbage }

    init(json: JSONValue) throws(SandboxMistake) {
        var fields = try JSONFields(json, of: "command")
        let verb = try fields.text("do")
        switch try fields.required(verb, "do") {
        case "set-node":
            let name = try fields.text("name")
            guard let values = fields.take("fields")?.object else { throw fields.wrong("fields", "an object") }
            self = .setNode(try fields.required(name, "name"), values)
        case "set-record":
            let name = try fields.text("name")
            let addresses = try fields.texts("addresses")
            self = .setRecord(try fields.required(name, "name"), try fields.required(addresses, "addresses"))
        case "paddles":
            var trouble = Paddles.Trouble()
            trouble.databaseDown = try fields.flag("database_down") ?? false
            trouble.databaseErrors = try fields.integer("database_errors", in: 0...1_000_000) ?? 0
            trouble.conflictingLocks = try fields.integer("conflicting_locks", in: 0...1_000_000) ?? 0
            self = .paddles(trouble)
        case "nsupdate":
            self = try Self.nsupdate(&fields)
        case "dns":
            let name: DNSTroubleName? = try fields.choice("trouble")
            self = .dns(DNSZone.Trouble(rawValue: (name ?? .none).rawValue))
        case "age":
            let by = try fields.duration("by")
            self = .age(try fields.required(by, "by"))
        case let verb:
            self = .cloud(try CloudCommand(verb, &fields))
        }
        try fields.end()
    }

    private static func nsupdate(_ fields: inout JSONFields) throws(SandboxMistake) -> SandboxCommand {
        let name: NsupdateTroubleName? = try fields.choice("trouble")
        let text = try fields.text("text")
        let trouble: NsupdateWeb.Trouble? =
            switch name ?? .none {
            case .none: nil
            case .warning: .warning(text ?? "some harmless warning")
            case .timeout: .timeout(applied: false)
            case .timeoutApplied: .timeout(applied: true)
            case .wrongKey: .wrongKey
            case .keyFileMissing: .keyFileMissing
            case .nameServerDown: .nameServerDown(at: text ?? "127.0.0.1#53")
            case .zoneRefuses: .zoneRefuses
            case .silentFailure: .silentFailure
            case .programMissing: .programMissing
            }
        let count = try fields.integer("count", in: 1...1_000_000)
        return .nsupdate(trouble, count: count, restart: try fields.flag("restart") ?? false)
    }

    /// - Returns: what there is to tell about it.
    func run(on sandbox: inout SandboxState, at now: Timestamp) throws(SandboxMistake) -> JSONValue {
        switch self {
        case .setNode(let name, let values):
            guard var node = sandbox.paddles.node(name) else { throw SandboxMistake("there is no node \(name)") }
            for (column, value) in values.sorted(by: { $0.key < $1.key }) {
                do throws(PaddlesRefusal) {
                    try node.set(column, value)
                } catch {
                    throw SandboxMistake("node \(name): \(column) cannot be \(value.text)")
                }
            }
            sandbox.paddles.put(node)
            return node.state
        case .setRecord(let name, let texts):
            guard let name = DNSName(name) else { throw SandboxMistake("\(name) is no domain name") }
            let addresses = texts.compactMap { NetworkAddress(parsing: $0) }
            if addresses.count != texts.count { throw SandboxMistake("\(texts): not all are addresses") }
            let ttl = sandbox.nsupdate.settings.ttl
            sandbox.nsupdate.zone.replace(name, with: addresses.map { .address($0, ttl: ttl) })
        case .paddles(let trouble):
            sandbox.paddles.trouble = trouble
        case .nsupdate(let trouble, let count, let restart):
            sandbox.nsupdate.trouble = trouble
            sandbox.nsupdate.troubledUpdates = count
            if restart { sandbox.nsupdate.restart() }
        case .dns(let trouble):
            sandbox.nsupdate.zone.trouble = trouble
        case .age(let duration):
            sandbox.cloud.age(by: duration)
            for var node in sandbox.paddles.nodes {
                node.lockedSince = node.lockedSince.map { $0 - duration }
                sandbox.paddles.put(node)
            }
        case .cloud(let command):
            return try command.run(on: &sandbox.cloud, at: now)
        }
        return [:]
    }
}
