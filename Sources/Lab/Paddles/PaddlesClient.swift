import HTTPKit
package import Resilience
package import World

/// paddles, the lab's book of nodes and locks, with the manners that it needs: the slash at the end of every path
/// (without it a PUT is answered 302 and lost), no trust in a status alone, bodies that may be HTML
/// (facts/teuthology.md section 1).
package struct PaddlesClient: Sendable {
    /// It lists all nodes at once, of about a KiB each.
    private static let biggestList = 8 << 20
    private static let biggestAnswer = 1 << 20

    private let base: ServiceAddress
    private let gate: Gate
    private let world: World

    /// - Parameter baseURL: teuthology's `lock_server`: with or without a path, with or without a slash at its end.
    /// - Throws: `ServiceError` (site) when that is no http address.
    package init(baseURL: String, gate: Gate, world: World) throws(ServiceError) {
        base = try ServiceAddress(baseURL, service: PaddlesVerdicts.service, key: "lock_server")
        self.gate = gate
        self.world = world
    }

    /// One node, or nil when paddles does not know the name.
    package func node(_ name: String, for call: Call) async throws -> NodeRecord? {
        let operation = "look up node"
        let response = try await send(
            .get, try nodePath(name, operation), .look, operation, expecting: .missingNode, for: call)
        if response.status == 404 { return nil }
        let record = try decode(NodeRecord.self, response, operation)
        guard record.name == name else { throw mistaken(record.name, name, operation, kind: .transient) }
        return record
    }

    /// The cheapest question that needs the database.
    package func ping(for call: Call) async throws {
        _ = try await send(.get, "/nodes/machine_types/", .look, "see whether it answers", for: call)
    }

    /// The nodes that match, by name. Filters are sent as paddles understands them on every database (0 and 1), and
    /// applied again here, because it ignores those that it does not know.
    /// - Parameter complete: what is not in the list is to prove something: throws when one that may match cannot be
    ///   read, which otherwise is left out.
    package func nodes(
        machineType: String? = nil, locked: Bool? = nil, up: Bool? = nil, complete: Bool = false, for call: Call
    ) async throws -> [NodeRecord] {
        let operation = "list nodes"
        var query: [(String, String)] = []
        if let machineType { query.append(("machine_type", machineType)) }
        if let locked { query.append(("locked", locked ? "1" : "0")) }
        if let up { query.append(("up", up ? "1" : "0")) }
        let path = "/nodes/" + (query.isEmpty ? "" : "?" + URLText.query(query))
        let response = try await send(.get, path, .look, operation, for: call)
        let list: JSONElements<NodeRecord>
        do {
            // A lab's whole list may be megabytes: read off the loop.
            list = try await world.compute.run { try JSONElements(json: JSONValue(parsing: response.body)) }
        } catch is JSONError {
            throw unreadable(response, operation, kind: .transient)
        }
        let isOfOthers = { (odd: OddElement) in
            machineType != nil && odd.json["machine_type"]?.string.map { $0 != machineType } ?? false
        }
        if complete, let odd = list.odd.first(where: { !isOfOthers($0) }) {
            throw ServiceError(
                service: PaddlesVerdicts.service, operation: operation, status: response.status,
                message: "a node of the list cannot be read: \(odd)", kind: .site,
                next: "look at that node in paddles")
        }
        return list.items.filter { node in
            (machineType == nil || node.machineType == machineType) && (locked == nil || node.locked == locked)
                && (up == nil || node.up == up)
        }
    }

    /// Writes what is set in `changes`; nothing is sent when nothing is set. Repeating it is harmless.
    package func update(_ name: String, _ changes: NodeChanges, for call: Call) async throws {
        guard !changes.isEmpty else { return }
        let operation = "update node"
        let response = try await send(
            .put, try nodePath(name, operation), .change, operation, body: try changes.body(), for: call)
        // Anything but `{}` comes from a place that answers reads: the PUT went elsewhere.
        guard let answer = try? JSONValue(parsing: response.body), answer == .object([:]) else {
            throw unreadable(response, operation, kind: .ambiguous)
        }
    }

    /// Locks a node. The same owner and description again is `.locked` too, so that a lost answer may be asked for
    /// again.
    package func lock(
        _ name: String, owner: String, description: String, for call: Call
    ) async throws -> LockAnswer {
        let operation = "lock node"
        let state = try await setLock(
            name, operation, .change,
            [
                "locked": true,
                "locked_by": .string(try PaddlesText.lockedBy.checked(owner, for: operation)),
                "description": .string(try PaddlesText.description.checked(description, for: operation)),
            ], for: call)
        switch state {
        case .refused(let refusal): return .refused(refusal)
        case .now(let locked, let lockedBy, let response):
            guard locked, lockedBy == owner else { throw unreadable(response, operation, kind: .ambiguous) }
            return .locked
        }
    }

    /// Unlocks a node if `owner` holds it, and with that description when one is given.
    package func unlock(
        _ name: String, owner: String, description: String? = nil, for call: Call
    ) async throws -> UnlockAnswer {
        let operation = "unlock node"
        var body: JSONObject = [
            "locked": false, "locked_by": .string(try PaddlesText.lockedBy.checked(owner, for: operation)),
        ]
        if let description {
            body["description"] = .string(try PaddlesText.description.checked(description, for: operation))
        }
        switch try await setLock(name, operation, .remove, .object(body), for: call) {
        case .refused(let refusal): return .refused(refusal)
        case .now(let locked, _, let response):
            guard !locked else { throw unreadable(response, operation, kind: .ambiguous) }
            return .unlocked
        }
    }

    /// Locks any `count` free nodes of a type, all or none. os_type, os_version and arch are never asked for: VM nodes
    /// have none, and paddles would find no node (facts/teuthology.md 1.8). Not idempotent: after an ambiguous
    /// failure look for nodes with this description.
    package func lockMany(
        count: Int, owner: String, machineType: String, description: String, for call: Call
    ) async throws -> LockManyAnswer {
        let operation = "lock free nodes"
        let body: JSONValue = [
            "count": .integer(count),
            "locked_by": .string(try PaddlesText.lockedBy.checked(owner, for: operation)),
            "machine_type": .string(try PaddlesText.machineType.checked(machineType, for: operation)),
            "description": .string(try PaddlesText.description.checked(description, for: operation)),
        ]
        let response = try await send(
            .post, "/nodes/lock_many/", .change, operation, body: body, expecting: .lockMany, for: call)
        switch response.status {
        case 403: return .lostRace
        case 503: return .notEnough(available: PaddlesVerdicts.available(in: PaddlesVerdicts.message(of: response)))
        default:
            guard let json = try? JSONValue(parsing: response.body), let records = try? [NodeRecord](json: json),
                records.count == count, records.allSatisfy({ $0.machineType == machineType && $0.lockedBy == owner })
            else {
                throw unreadable(response, operation, kind: .ambiguous)
            }
            return .locked(records)
        }
    }

    private enum LockState {
        case now(locked: Bool, lockedBy: String?, HTTPResponse)
        case refused(LockRefusal)
    }

    private func setLock(
        _ name: String, _ operation: String, _ intent: Intent, _ body: JSONValue, for call: Call
    ) async throws -> LockState {
        let response = try await send(
            .put, try nodePath(name, operation) + "lock/", intent, operation, body: body, expecting: .refusal,
            for: call)
        if response.status == 403, let refusal = PaddlesVerdicts.refusal(in: PaddlesVerdicts.message(of: response)) {
            return .refused(refusal)
        }
        guard let answer = try? JSONValue(parsing: response.body), let locked = answer["locked"]?.bool,
            let answered = answer["name"]?.string
        else {
            throw unreadable(response, operation, kind: .ambiguous)
        }
        guard answered == name else { throw mistaken(answered, name, operation, kind: .ambiguous) }
        return .now(locked: locked, lockedBy: answer["locked_by"]?.string, response)
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ intent: Intent, _ operation: String, body: JSONValue? = nil,
        expecting: PaddlesVerdicts.Expected = .nothing, for call: Call
    ) async throws -> HTTPResponse {
        // It answers within a second or not at all; shorter than the steps that ask it, so that they hear of it.
        var request = HTTPRequest(
            method, base.url + path, headers: ["Accept": "application/json"], timeout: .seconds(20),
            maximumAnswer: path.hasPrefix("/nodes/?") || path == "/nodes/" ? Self.biggestList : Self.biggestAnswer)
        if let body {
            request.headers["Content-Type"] = "application/json"
            request.body = body.bytes
        }
        return try await gate.send(
            request, intent, operation: operation, path: "\(method.rawValue) \(URLText.target(of: path).path)",
            for: call,
            judge: { PaddlesVerdicts.judge($0, expecting: expecting) })
    }

    /// `/nodes/NAME/`. Only characters that need no escape: paddles splits even an escaped slash.
    private func nodePath(_ name: String, _ operation: String) throws(ServiceError) -> String {
        let name = try PaddlesText.name.checked(name, for: operation)
        guard !name.isEmpty, name != ".", name != "..", URLText.escape(name) == name else {
            throw ServiceError(
                service: PaddlesVerdicts.service, operation: operation,
                message: "\(name.debugDescription) is no node name", kind: .permanent, next: "correct the node's name")
        }
        return "/nodes/\(name)/"
    }

    private func decode<Value: JSONReadable>(
        _ type: Value.Type, _ response: HTTPResponse, _ operation: String
    ) throws(ServiceError) -> Value {
        do {
            return try Value(json: JSONValue(parsing: response.body))
        } catch {
            throw unreadable(response, operation, kind: .transient)
        }
    }

    /// A cache before paddles that mixes up answers would lend us the lock of another node.
    private func mistaken(_ said: String, _ asked: String, _ operation: String, kind: ErrorClass) -> ServiceError {
        ServiceError(
            service: PaddlesVerdicts.service, operation: operation,
            message: "the answer is about node \(AnswerText.shortened(said)) and not about \(asked)", kind: kind,
            next: "see what stands between this host and paddles")
    }

    private func unreadable(_ response: HTTPResponse, _ operation: String, kind: ErrorClass) -> ServiceError {
        ServiceError(
            service: PaddlesVerdicts.service, operation: operation, status: response.status,
            message: "not the answer of paddles: \(AnswerText.summary(of: response))", kind: kind,
            next: "check that lock_server in the configuration is paddles and no other web server")
    }
}
