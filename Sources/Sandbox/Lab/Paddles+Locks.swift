import HTTPKit
import World

/// Locking (facts/teuthology.md 1.7 and 1.8).
extension Paddles {
    /// The rules that every write of `locked` meets.
    static func checkLock(of node: PaddlesNode, _ values: JSONObject) throws(PaddlesRefusal) {
        guard let locking = values["locked"]?.pythonBool else { return }
        let owner = values["locked_by"] ?? .null
        let description = values["description"] ?? .null
        let verb = locking ? "lock" : "unlock"
        if node.locked == locking {
            let sameOwner = owner == (node.lockedBy.map { .string($0) } ?? .null)
            // Only the very same owner and description make it idempotent; a description that is absent never does.
            if !sameOwner || description.isNull || description.string != node.description {
                throw .refused(403, "Cannot \(verb) an already-\(verb)ed node")
            }
        } else if owner.isFalsy {
            throw .refused(400, "Cannot \(verb) without specifying locked_by")
        } else if !locking, owner.string != node.lockedBy {
            throw .refused(403, "Cannot unlock - locked_by values must match")
        } else if !locking, !description.isFalsy, description.string != node.description {
            throw .refused(403, "Cannot unlock - description values must match")
        }
    }

    mutating func lock(
        _ name: String, _ request: HTTPRequest, _ now: Timestamp
    ) throws(PaddlesRefusal) -> HTTPResponse {
        guard request.method == .put || request.method == .post else {
            throw .refused(
                400, "this URI only supports PUT and POST requests but \(request.method.rawValue) was attempted")
        }
        guard let values = try Self.body(request).object else { throw .crash }
        // "true" and null are no verbs: a KeyError, or a NOT NULL violation.
        if let locked = values["locked"], locked.pythonBool == nil { throw .crash }
        try admitWrite()
        try update(name, values, now)
        guard let node = node(name) else { throw .crash }
        return PaddlesPages.json(node.lockJSON, at: now)
    }

    mutating func lockMany(_ request: HTTPRequest, _ now: Timestamp) throws(PaddlesRefusal) -> HTTPResponse {
        guard let values = try Self.body(request).object else { throw .crash }
        // A Python set: the order differs from process to process; this is the recorded one's.
        let fields = ["count", "description", "machine_type", "locked_by"]
        if fields.contains(where: { values[$0] == nil }) {
            throw .refused(400, "must pass these fields: \(fields.joined(separator: ", "))")
        }
        guard let count = values["count"]?.integer else { throw .crash }
        if count < 1 { throw .refused(400, "cannot lock less than 1 node") }
        guard let type = values["machine_type"], !type.isFalsy else { throw .refused(400, "must specify machine_type") }
        guard let types = type.string?.split(separator: "|", omittingEmptySubsequences: false).map(String.init) else {
            throw .crash
        }
        try admitWrite()
        if trouble.conflictingLocks > 0 {
            trouble.conflictingLocks -= 1
            throw .refused(403, "Cannot lock an already-locked node")
        }
        let wanted = try Wanted(values)
        let free = nodes.lazy.filter { node in
            !node.locked && node.up == true && types.contains(node.machineType ?? "") && wanted.fits(node)
        }
        let chosen = Array(free.prefix(count))
        if chosen.count < count { throw .refused(503, "only \(chosen.count) nodes available") }
        let lock: JSONObject = [
            "locked": true, "locked_by": values["locked_by"] ?? .null, "description": values["description"] ?? .null,
        ]
        for node in chosen { try update(node.name, lock, now) }
        return PaddlesPages.json(.array(chosen.compactMap { node($0.name) }.map(json)), at: now)
    }

    /// What a `lock_many` may ask of the nodes' columns; VM nodes have nulls there and never fit (facts 1.8).
    private struct Wanted {
        var osType, osVersion, arch: String?

        init(_ values: JSONObject) throws(PaddlesRefusal) {
            func text(_ key: String) throws(PaddlesRefusal) -> String? {
                guard let value = values[key], !value.isFalsy else { return nil }
                guard let text = value.string else { throw .crash }
                return text
            }
            osType = try text("os_type")
            arch = try text("arch")
            switch values["os_version"] {
            case .integer(let version): osVersion = String(version)
            case .number(let version): osVersion = String(version)
            default: osVersion = try text("os_version")
            }
        }

        func fits(_ node: PaddlesNode) -> Bool {
            (osType == nil || osType == node.osType) && (osVersion == nil || osVersion == node.osVersion)
                && (arch == nil || arch == node.arch)
        }
    }

    mutating func unlockMany(_ request: HTTPRequest, _ now: Timestamp) throws(PaddlesRefusal) -> HTTPResponse {
        guard let values = try Self.body(request).object else { throw .crash }
        guard values.count == 2, let given = values["names"], let owner = values["locked_by"] else {
            throw .refused(400, "must pass these fields: names, locked_by")
        }
        guard let list = given.array else { throw .refused(400, "'names' must be a list") }
        let names = list.compactMap(\.string)
        if names.count != list.count { throw .crash }
        let found = nodes.filter { names.contains($0.name) }
        if found.count != names.count { throw .refused(400, "Could not find all nodes!") }
        try admitWrite()
        var answers: [PythonJSON] = []
        for node in found {
            // Each is committed by itself: a refusal leaves those before it unlocked (facts 1.8).
            try update(node.name, ["locked": false, "locked_by": owner], now)
            if let unlocked = self.node(node.name) { answers.append(unlocked.lockJSON) }
        }
        return PaddlesPages.json(.array(answers), at: now)
    }
}
