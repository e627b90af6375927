package import HTTPKit
package import World

/// paddles' node and lock service as a value (facts/teuthology.md section 1, recorded against 3c1642e on PostgreSQL).
/// Runs, jobs and queues are not served: we never use them.
package struct Paddles: Sendable {
    /// What an operator, a load or a database does to it.
    package struct Trouble: Sendable, Hashable {
        /// Everything but `/` answers the HTML 500 page.
        package var databaseDown = false
        /// So many of the next writes lose their serialisation race: 503, nothing written (facts 1.9).
        package var databaseErrors = 0
        /// So many of the next `lock_many` calls meet a row that another call took: 403, nothing locked (facts 1.9).
        package var conflictingLocks = 0

        package init() {}
    }

    private struct Row: Sendable {
        var node: PaddlesNode
        /// PostgreSQL keeps rows where they were last written: an update moves a row to the end.
        var position: Int
    }

    package var trouble = Trouble()
    /// The path under which it is mounted, for redirects: `/paddles` in the Sandbox.
    private let mount: String
    private var rows: [String: Row] = [:]
    private var nextPosition = 0

    package init(nodes: [PaddlesNode] = [], mount: String = "") {
        self.mount = mount
        for node in nodes { put(node) }
    }

    /// Every node, in the order in which `GET /nodes/` lists them.
    package var nodes: [PaddlesNode] { rows.values.sorted { $0.position < $1.position }.map(\.node) }

    package func node(_ name: String) -> PaddlesNode? { rows[name]?.node }

    /// Adds or replaces a node, past all checks; a node that stays the same keeps its place.
    package mutating func put(_ node: PaddlesNode) {
        if rows[node.name]?.node == node { return }
        rows[node.name] = Row(node: node, position: nextPosition)
        nextPosition += 1
    }

    /// Answers one request; `url` is the target as received. The body of a HEAD is left to the server to drop.
    package mutating func handle(_ request: HTTPRequest, at now: Timestamp) -> HTTPResponse {
        do throws(PaddlesRefusal) {
            return try route(request, now)
        } catch {
            switch error {
            case .crash: return PaddlesPages.crash
            case .refused(let status, let message): return PaddlesPages.refusal(status, message, at: now)
            }
        }
    }
}

extension Paddles {
    private mutating func route(_ request: HTTPRequest, _ now: Timestamp) throws(PaddlesRefusal) -> HTTPResponse {
        let target = URLText.target(of: request.url)
        let path = URLText.unescape(target.path)
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        if parts.isEmpty { return PaddlesPages.json(.object([]), at: now) }
        if trouble.databaseDown { throw .crash }
        if parts.count <= 2, parts[0] == "nodes", !path.hasSuffix("/"), !Self.methodsOfNodes.contains(parts.last ?? "")
        {
            // pecan refuses to redirect a POST, loudly (facts 1.2).
            if request.method == .post { throw .crash }
            return PaddlesPages.redirect(to: location(of: target, for: request), at: now)
        }
        switch (parts.first, parts.count) {
        case ("nodes", 1):
            if request.method == .post { return try create(request, now) }
            return try list(URLText.items(of: target.query), now)
        case ("nodes", 2) where Self.methodsOfNodes.contains(parts[1]):
            return try collection(parts[1], request, now)
        case ("nodes", 2):
            return try record(parts[1], request, now)
        case ("nodes", 3):
            return try part(parts[2], of: parts[1], request, now)
        case ("errors", 2):
            return errors(parts[1], URLText.items(of: target.query), now)
        default:
            return PaddlesPages.notFound(at: now)
        }
    }

    private static let methodsOfNodes: Set<String> = ["lock_many", "unlock_many", "machine_types", "job_stats"]

    private func location(of target: (path: String, query: String), for request: HTTPRequest) -> String {
        let query = target.query.isEmpty ? "" : "?\(target.query)"
        return "http://\(request.headers["Host"] ?? "localhost:80")\(mount)\(target.path)/\(query)"
    }

    private func errors(_ kind: String, _ items: [(name: String, value: String)], _ now: Timestamp) -> HTTPResponse {
        let statuses = ["invalid": 400, "forbidden": 403, "not_found": 404, "unavailable": 503, "error": 500]
        guard let status = statuses[kind] else { return PaddlesPages.notFound(at: now) }
        let message = items.first { $0.name == "error_message" }?.value ?? ""
        return PaddlesPages.json(.object([("message", .string(message))]), status: status, at: now)
    }

    /// Whatever the method is: a wrong one looks like success (facts 1.1).
    private func list(
        _ items: [(name: String, value: String)], _ now: Timestamp
    ) throws(PaddlesRefusal) -> HTTPResponse {
        var found = nodes
        var count: Int?
        for (name, value) in items {
            switch name {
            case "locked":
                let flag = try Self.databaseBool(value)
                found.removeAll { $0.locked != flag }
            case "up":
                let flag = try Self.databaseBool(value)
                found.removeAll { $0.up != flag }
            case "machine_type" where !value.isEmpty:
                let types = value.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
                found.removeAll { !types.contains($0.machineType ?? "") }
            case "os_type" where !value.isEmpty: found.removeAll { $0.osType != value }
            case "os_version" where !value.isEmpty: found.removeAll { $0.osVersion != value }
            case "locked_by" where !value.isEmpty: found.removeAll { $0.lockedBy != value }
            case "count":
                guard let number = Int(value), number >= 0 else { throw .refused(400, "count must be an integer") }
                count = number
            default: break  // is_vm, arch, name and anything else: ignored, the full list comes back (facts 1.4)
            }
        }
        return PaddlesPages.json(.array(found.prefix(count ?? .max).map(json)), at: now)
    }

    /// PostgreSQL's spellings of a boolean; SQLite knows only 0 and 1.
    private static func databaseBool(_ text: String) throws(PaddlesRefusal) -> Bool {
        switch text.lowercased() {
        case "1", "t", "true", "y", "yes", "on": return true
        case "0", "f", "false", "n", "no", "off": return false
        default: throw .crash
        }
    }

    private mutating func record(
        _ name: String, _ request: HTTPRequest, _ now: Timestamp
    ) throws(PaddlesRefusal) -> HTTPResponse {
        switch request.method {
        case .put:
            if rows[name] == nil { throw .refused(404, "attempted to update a non-existent node") }
            guard let values = try Self.body(request).object else { throw .crash }
            try admitWrite()
            do throws(PaddlesRefusal) {
                try update(name, values, now)
            } catch {
                throw .crash  // here nobody catches the refusals of the lock rules (facts 1.6)
            }
            return PaddlesPages.json(.object([]), at: now)
        case .delete:
            if rows[name] == nil { throw .refused(404, "node not found") }
            try admitWrite()
            remove(name)
            return PaddlesPages.json(.object([]), at: now)
        case .get, .head, .post, .patch, .options:
            guard let node = rows[name]?.node else { throw .refused(404, "node not found") }
            return PaddlesPages.json(json(node), at: now)
        }
    }

    private mutating func part(
        _ part: String, of name: String, _ request: HTTPRequest, _ now: Timestamp
    ) throws(PaddlesRefusal) -> HTTPResponse {
        let known = rows[name] != nil
        switch part {
        case "lock":
            if !known { throw .refused(404, "node not found") }
            return try lock(name, request, now)
        case "jobs" where known:
            return PaddlesPages.json(.array([]), at: now)
        case "job_stats" where known:
            let statuses = ["pass", "fail", "queued", "running", "dead", "unknown", "waiting"]
            return PaddlesPages.json(.object(statuses.map { ($0, .integer(0)) }), at: now)
        default:
            return PaddlesPages.notFound(at: now)
        }
    }

    private mutating func collection(
        _ method: String, _ request: HTTPRequest, _ now: Timestamp
    ) throws(PaddlesRefusal) -> HTTPResponse {
        switch method {
        case "machine_types":
            let types = Set(rows.values.compactMap(\.node.machineType).filter { !$0.isEmpty })
            return PaddlesPages.json(.array(types.sorted().map { .string($0) }), at: now)
        case "job_stats":
            return PaddlesPages.json(.object([]), at: now)
        default:
            guard request.method == .post else { throw .refused(400, "this URI only supports POST requests") }
            return method == "lock_many" ? try lockMany(request, now) : try unlockMany(request, now)
        }
    }

    private mutating func create(_ request: HTTPRequest, _ now: Timestamp) throws(PaddlesRefusal) -> HTTPResponse {
        guard let data = try? JSONValue(parsing: request.body) else {
            throw .refused(400, "could not decode JSON body")
        }
        guard let values = data.object else { throw .crash }
        guard let given = values["name"], !given.isFalsy else {
            throw .refused(400, "could not find required key: 'name'")
        }
        guard let name = given.string, name.unicodeScalars.count <= 256 else { throw .crash }
        if rows[name] != nil { throw .refused(400, "Node with name \(name) already exists") }
        try admitWrite()
        // The lock rules are not asked for a node that is not there yet.
        put(try changed(PaddlesNode(name: name), values, wasLocked: nil, now))
        return PaddlesPages.json(.object([]), at: now)
    }
}

extension Paddles {
    /// - Throws: `.crash`: everywhere but in `POST /nodes/` a body that is no JSON is an uncaught exception.
    static func body(_ request: HTTPRequest) throws(PaddlesRefusal) -> JSONValue {
        guard let value = try? JSONValue(parsing: request.body) else { throw .crash }
        return value
    }

    func json(_ node: PaddlesNode) -> PythonJSON {
        var chain: Set<String> = [node.name]
        return json(node, &chain)
    }

    /// `chain` ends a ring of hosts, on which the real one would recurse for ever.
    private func json(_ node: PaddlesNode, _ chain: inout Set<String>) -> PythonJSON {
        guard let name = node.vmHost, let host = rows[name]?.node, chain.insert(name).inserted else {
            return node.json(host: .null)
        }
        return node.json(host: json(host, &chain))
    }

    mutating func admitWrite() throws(PaddlesRefusal) {
        guard trouble.databaseErrors > 0 else { return }
        trouble.databaseErrors -= 1
        throw .refused(503, "encountered a DB error")
    }

    mutating func update(
        _ name: String, _ values: JSONObject, _ now: Timestamp
    ) throws(PaddlesRefusal) {
        guard let node = rows[name]?.node else { throw .crash }
        try Self.checkLock(of: node, values)
        put(try changed(node, values, wasLocked: node.locked, now))
    }

    private func changed(
        _ node: PaddlesNode, _ values: JSONObject, wasLocked: Bool?, _ now: Timestamp
    ) throws(PaddlesRefusal) -> PaddlesNode {
        var node = node
        for (column, value) in values {
            if column == "vm_host" {
                guard let host = value.string, rows[host] != nil else { throw .crash }
                node.vmHost = host
            } else {
                try node.set(column, value)
            }
        }
        if values["locked"] != nil {
            if node.locked != wasLocked { node.lockedSince = node.locked ? now : nil }
            if !node.locked { node.lockedBy = nil }
        }
        return node
    }

    private mutating func remove(_ name: String) {
        rows[name] = nil
        for var guest in nodes where guest.vmHost == name {
            guest.vmHost = nil
            put(guest)
        }
    }
}
