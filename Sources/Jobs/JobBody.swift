package import World
package import YAMLKit

/// What the broker and the tube say of a body.
package struct Envelope: Sendable, Hashable {
    package var jobID: UInt64
    package var put: Timestamp
    /// The run of the broker that delivered it; empty: not known.
    package var broker: String
    /// The provider whose tube it came from, when the tube is one of ours.
    package var tubeProvider: String?
    /// The action that the tube is for; a body may not say otherwise.
    package var tubeAction: JobAction?

    package init(
        jobID: UInt64, put: Timestamp, broker: String = "", tubeProvider: String?, tubeAction: JobAction?
    ) {
        self.jobID = jobID
        self.put = put
        self.broker = broker
        self.tubeProvider = tubeProvider
        self.tubeAction = tubeAction
    }
}

/// What a body turned out to be.
package enum JobReading: Sendable {
    case job(Job)
    /// No `action`, or of a newer release: somebody else's job. Put back and said; buried when nobody took it for a day.
    case foreign(why: String)
    /// Meant for us and wrong; `stub` holds what could be read, for the reply and the report.
    case malformed(problems: [Problem], stub: JobStub)
}

/// As much of a malformed body as can be trusted.
package struct JobStub: Sendable, Hashable {
    package var key: String
    package var action: String
    package var node: String
    package var provider: String
    package var replyTo: String?
    package var uuid: String
    package var run: String

    package init(
        key: String, action: String = "", node: String = "", provider: String = "", replyTo: String? = nil,
        uuid: String = "", run: String = ""
    ) {
        self.key = key
        self.action = action
        self.node = node
        self.provider = provider
        self.replyTo = replyTo
        self.uuid = uuid
        self.run = run
    }
}

/// Reads job bodies: a YAML mapping, which may be a whole teuthology job configuration with our keys added.
package struct JobBody: Sendable {
    private let labDomain: String
    private let providers: [String]

    /// - Parameter providers: the names that this worker knows.
    package init(labDomain: String, providers: [String]) {
        self.labDomain = labDomain
        self.providers = providers
    }

    /// The keys whose values a report may show; bodies of test runs carry secrets under others.
    package static let shown = [
        "action", "node", "machine_type", "os_type", "os_version", "owner", "lock_description", "archive_path",
        "openstack", "machine", "volumes", "lock", "unlock", "reply_to", "uuid", "name", "job_id", "expire",
        "priority", "first_put",
    ]

    package static let version = 1

    /// What is read stands in logs, replies, reports and metadata: all of it has a limit.
    private static let word = Shape<String>.string(most: 128)
    private static let text = Shape<String>.string(most: 255)

    package func read(_ bytes: [UInt8], _ envelope: Envelope) -> JobReading {
        let source = "job \(envelope.jobID)"
        let weakKey = Self.digestKey(bytes, jobID: envelope.jobID)
        let root: Node?
        do {
            root = try YAML.parse(bytes, source: source, limits: .job)
        } catch {
            let problem = Problem(
                .error, source: source, mark: Mark(line: error.line, column: error.column), path: "",
                message: "not YAML: \(error.problem)",
                hint: error.hint.isEmpty ? "put a YAML mapping with an action, a node and an owner" : error.hint)
            return .malformed(problems: [problem], stub: JobStub(key: weakKey))
        }
        guard let root, root.mapping != nil else {
            let found = root.map { "found \($0.summary)" } ?? "the body is empty"
            let problem = Problem(
                .error, source: source, mark: root?.mark ?? .none, path: "",
                message: "expected a mapping with an action, a node and an owner; \(found)")
            return .malformed(problems: [problem], stub: JobStub(key: weakKey))
        }
        if let why = Self.whyForeign(root) { return .foreign(why: why) }
        return read(root, envelope, weakKey: weakKey, source: source)
    }

    /// Why a body is somebody else's job; nil when it is one of ours, or meant to be.
    package static func whyForeign(_ bytes: [UInt8]) -> String? {
        guard let root = try? YAML.parse(bytes, source: "job", limits: .job), root.mapping != nil else { return nil }
        return whyForeign(root)
    }

    private static func whyForeign(_ root: Node) -> String? {
        guard root["action"].map({ !$0.isNull }) ?? false else {
            let keys = root.mapping?.keys.prefix(6).map { Fields.join("", $0.shortened(to: 40)) } ?? []
            return "the body has no 'action' (it has: \(keys.joined(separator: ", ")))"
        }
        guard let version = root["v"]?.text.flatMap({ Int($0) }), version > Self.version else { return nil }
        return "the body is of version \(version); this release reads up to \(Self.version)"
    }

    private func read(_ root: Node, _ envelope: Envelope, weakKey: String, source: String) -> JobReading {
        let problems = Problems(source: source)
        let fields = Fields(root, problems: problems)
        let uuid = fields.read("uuid", .identifier)
        let action = fields.choice("action", of: JobAction.self, required: true)
        if let action, let expected = envelope.tubeAction, action != expected {
            problems.error(
                fields.mark(of: "action"), "action", "a \(action.rawValue) job in the tube for \(expected.rawValue)",
                hint: "put it into the tube of its action")
        }
        let nodeText = fields.read("node", Self.text)
        let node = nodeText.flatMap { readNode($0, fields, problems) }
        if !fields.has("node"), action == .destroy {
            problems.error(fields.mark, "node", "missing", hint: "a destroy names the node to be destroyed")
        }
        let provider = readProvider(fields, envelope, problems)
        let owner = readOwner(fields, problems)
        let replyTo = fields.read("reply_to", .string(most: 200))
        let expire = fields.read("expire", .timestamp)
        let order = order(uuid ?? weakKey, envelope, firstPut: readFirstPut(fields, envelope, problems))
        let wishes = SizeWishes(
            openstack: fields.node("openstack"), machine: fields.node("machine"), volumes: fields.node("volumes"))
        let job = Job(
            action: action ?? .provision, node: node, provider: provider ?? "",
            osType: fields.read("os_type", Self.word),
            osVersion: fields.read("os_version", Self.word), owner: owner ?? "",
            lockDescription: fields.read("lock_description", Self.text) ?? fields.read("archive_path", Self.text),
            wishes: wishes,
            lock: fields.bool("lock") ?? false, unlock: fields.bool("unlock") ?? false, replyTo: replyTo, uuid: uuid,
            runName: fields.read("name", Self.text) ?? "", runJob: fields.read("job_id", Self.word) ?? "",
            expire: action == .provision ? expire : nil, order: order)
        guard problems.hasErrors else { return .job(job) }
        let stub = JobStub(
            key: job.key, action: action?.rawValue ?? fields.node("action")?.text?.shortened(to: 64) ?? "",
            node: nodeText ?? "",
            provider: provider ?? envelope.tubeProvider ?? "", replyTo: replyTo, uuid: uuid ?? "", run: job.run)
        return .malformed(problems: problems.errors, stub: stub)
    }

    /// A job that was put again (`cirrata failed edit`) keeps the place of the first one. Its number is newer than that
    /// place, so only put times tell.
    private func order(_ key: String, _ envelope: Envelope, firstPut: Timestamp?) -> JobOrder {
        var order = JobOrder(put: envelope.put, jobID: envelope.jobID, broker: envelope.broker, key: key)
        if let firstPut, firstPut < envelope.put { (order.put, order.broker) = (firstPut, "") }
        return order
    }

    private func readFirstPut(_ fields: Fields, _ envelope: Envelope, _ problems: Problems) -> Timestamp? {
        guard let first = fields.read("first_put", .timestamp) else { return nil }
        if !JobOrder.isPlausible(firstPut: first, put: envelope.put) {
            problems.error(
                fields.mark(of: "first_put"), "first_put",
                "expected a time from \(JobOrder.earliestPut) to the put of this job at \(envelope.put), found \(first)",
                hint: "leave it out; `cirrata failed edit` writes it")
        }
        return first
    }

    private func readNode(_ text: String, _ fields: Fields, _ problems: Problems) -> NodeName? {
        do {
            return try NodeName(text, domain: labDomain)
        } catch {
            problems.error(fields.mark(of: "node"), "node", error.description)
            return nil
        }
    }

    private func readOwner(_ fields: Fields, _ problems: Problems) -> String? {
        let owner = fields.string("owner") ?? ""
        guard !owner.isEmpty else {
            problems.error(
                fields.mark(of: "owner"), "owner", "missing",
                hint: "name who holds the node in paddles (its locked_by)")
            return nil
        }
        if owner.utf8.count > 64 {
            problems.error(fields.mark(of: "owner"), "owner", "longer than the 64 bytes that paddles keeps")
        }
        return owner
    }

    private func readProvider(_ fields: Fields, _ envelope: Envelope, _ problems: Problems) -> String? {
        guard let provider = fields.read("machine_type", Self.word) ?? envelope.tubeProvider else {
            problems.error(
                fields.mark, "machine_type", "missing", hint: "configured: \(providers.joined(separator: ", "))")
            return nil
        }
        if !providers.contains(provider) {
            problems.error(
                fields.mark(of: "machine_type"), "machine_type",
                "provider \(Node.quoted(provider)) is not configured here",
                hint: "configured: \(providers.joined(separator: ", "))")
        }
        return provider
    }

    /// The key of a body without `uuid`: identical bodies are ordinary (`teuthology-schedule --num`), so the broker's
    /// id is part of it.
    package static func digestKey(_ bytes: [UInt8], jobID: UInt64) -> String {
        "d-\(SHA256.hex(of: bytes + Array(":\(jobID)".utf8)).prefix(32))"
    }

    /// The known keys of a body as a report may show them; empty when it is no mapping.
    package static func shownKeys(_ bytes: [UInt8]) -> [(String, String)] {
        guard let root = try? YAML.parse(bytes, source: "job", limits: .job) else { return [] }
        return shown.compactMap { key in
            guard let value = root[key], !value.isNull else { return nil }
            return (key, value.text ?? YAMLWriter.write(value))
        }
    }
}

extension Shape where Value == String {
    /// An idempotency key: goes into cloud metadata and lock descriptions.
    static var identifier: Shape {
        Shape(
            "1 to 64 letters, digits, '.', '_' or '-'",
            parse: { scalar in
                let isFine = scalar.text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                        UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
                return isFine && (1...64).contains(scalar.text.utf8.count) ? scalar.text : nil
            }, write: { .string($0) })
    }
}

extension Shape where Value == Timestamp {
    /// `2026-11-22T15:00:00Z`, a space for the T, no zone (UTC), or seconds since 1970.
    static var timestamp: Shape {
        Shape(
            "a time (2026-11-22T15:00:00Z, or seconds since 1970)",
            parse: { Timestamp(ofBody: $0.text) }, write: { .string($0.description) })
    }
}

extension Timestamp {
    /// A time as a body may state it: also in seconds since 1970.
    init?(ofBody text: String) {
        if let seconds = Int64(text) { self.init(seconds: seconds) } else { self.init(parsing: text) }
    }
}
