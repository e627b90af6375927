package import World
import YAMLKit

/// What a producer hears of its job in the tube that it named: one for every final outcome, at least once.
package struct Reply: Sendable, Hashable {
    package struct ServerFacts: Sendable, Hashable {
        package var id: String
        package var name: String
        package var addresses: [String]

        package init(id: String, name: String, addresses: [String]) {
            self.id = id
            self.name = name
            self.addresses = addresses
        }
    }

    package struct Failure: Sendable, Hashable {
        package var cause: String
        package var step: String
        package var message: String
        package var next: String

        package init(cause: String, step: String, message: String, next: String) {
            self.cause = cause
            self.step = step
            self.message = message
            self.next = next
        }
    }

    package var uuid: String
    /// The broker's number of the job; 0: not known. Anybody may put another job of the same uuid.
    package var jobID: UInt64
    package var key: String
    package var action: String
    package var node: String
    package var outcome: String
    package var error: Failure?
    package var server: ServerFacts?
    package var publicKey: String
    package var osType: String
    package var osVersion: String
    /// `name id`, one each.
    package var volumes: [String]
    package var worker: String
    package var began: Timestamp
    package var ended: Timestamp

    package init(
        uuid: String, jobID: UInt64, key: String, action: String, node: String, outcome: String, error: Failure?,
        server: ServerFacts?, publicKey: String, osType: String, osVersion: String, volumes: [String],
        worker: String, began: Timestamp, ended: Timestamp
    ) {
        self.uuid = uuid
        self.jobID = jobID
        self.key = key
        self.action = action
        self.node = node
        self.outcome = outcome
        self.error = error
        self.server = server
        self.publicKey = publicKey
        self.osType = osType
        self.osVersion = osVersion
        self.volumes = volumes
        self.worker = worker
        self.began = began
        self.ended = ended
    }

    package static let version = 1

    /// The body of the reply's job, with texts and lists cut where it would have more than `limit` bytes.
    package func encoded(limit: Int) -> [UInt8] {
        var entries: [(String, Node)] = [
            ("v", .integer(Self.version)), ("uuid", .string(uuid)), ("id", .integer(jobID)), ("key", .string(key)),
            ("action", .string(action)), ("node", .string(node)), ("outcome", .string(outcome)),
        ]
        if let error {
            entries.append(
                (
                    "error",
                    .map([
                        ("class", .string(error.cause)), ("step", .string(error.step)),
                        ("message", .string(error.message)), ("next", .string(error.next)),
                    ])
                ))
        }
        if let server {
            entries.append(
                (
                    "server",
                    .map([
                        ("id", .string(server.id)), ("name", .string(server.name)),
                        ("addresses", .strings(server.addresses)),
                    ])
                ))
        }
        entries += [
            ("ssh_pub_key", .string(publicKey)), ("os_type", .string(osType)), ("os_version", .string(osVersion)),
            ("volumes", .strings(volumes)), ("worker", .string(worker)),
            ("times", .map([("began", .string(began.description)), ("ended", .string(ended.description))])),
        ]
        return Array(YAMLWriter.write(.map(entries), limit: limit).utf8)
    }

    /// - Throws: `Unreadable` when it is not a reply, or of a newer major version.
    package init(parsing bytes: [UInt8]) throws(Unreadable) {
        let record = try Record(parsing: bytes, what: "reply", version: Self.version)
        let error = record.record("error")
        let server = record.record("server")
        let times = record.record("times")
        self.init(
            uuid: record.text("uuid"), jobID: UInt64(record.text("id")) ?? 0, key: record.text("key"),
            action: record.text("action"),
            node: record.text("node"), outcome: record.text("outcome"),
            error: error.pairs.isEmpty
                ? nil
                : Failure(
                    cause: error.text("class"), step: error.text("step"), message: error.text("message"),
                    next: error.text("next")),
            server: server.pairs.isEmpty
                ? nil
                : ServerFacts(
                    id: server.text("id"), name: server.text("name"), addresses: server.texts("addresses")),
            publicKey: record.text("ssh_pub_key"), osType: record.text("os_type"),
            osVersion: record.text("os_version"), volumes: record.texts("volumes"), worker: record.text("worker"),
            began: times.time("began"), ended: times.time("ended"))
    }
}
