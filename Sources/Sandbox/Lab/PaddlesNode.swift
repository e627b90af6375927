package import HTTPKit
package import World

/// One row of paddles' `nodes` table (facts/teuthology.md 1.3). Alike to the room Lab's `NodeRecord` on purpose and apart
/// from it on purpose: the one is what paddles keeps, the other what a client reads.
package struct PaddlesNode: Sendable, Hashable {
    package var name: String
    package var description: String?
    package var up: Bool?
    package var machineType: String?
    package var isVM: Bool
    /// The name of another node; its whole record is nested in the JSON.
    package var vmHost: String?
    package var osType: String?
    package var osVersion: String?
    package var arch: String?
    package var locked: Bool
    package var lockedSince: Timestamp?
    package var lockedBy: String?
    package var macAddress: String?
    package var sshPublicKey: String?

    /// A node as `POST /nodes/` makes it: `up` unknown, not locked.
    package init(name: String, machineType: String? = nil, isVM: Bool = false, up: Bool? = nil) {
        self.name = name
        self.machineType = machineType
        self.isVM = isVM
        self.up = up
        locked = false
    }

    /// `2026-11-22 15:22:56.288681`, and no fraction at all when it is zero.
    static func text(_ time: Timestamp) -> String {
        String(time.description.dropLast().map { $0 == "T" ? " " : $0 })
    }

    func json(host: PythonJSON) -> PythonJSON {
        .object([
            ("name", .string(name)), ("description", .text(description)), ("up", .flag(up)),
            ("machine_type", .text(machineType)), ("is_vm", .bool(isVM)), ("vm_host", host),
            ("os_type", .text(osType)), ("os_version", .text(osVersion)), ("arch", .text(arch)),
            ("locked", .bool(locked)), ("locked_since", .text(lockedSince.map(Self.text))),
            ("locked_by", .text(lockedBy)), ("mac_address", .text(macAddress)), ("ssh_pub_key", .text(sshPublicKey)),
        ])
    }

    /// The five keys that `lock/` and `unlock_many/` answer with.
    var lockJSON: PythonJSON {
        .object([
            ("name", .string(name)), ("locked", .bool(locked)), ("locked_by", .text(lockedBy)),
            ("machine_type", .text(machineType)), ("is_vm", .bool(isVM)),
        ])
    }

    /// For `/sandbox/state`.
    package var state: JSONValue {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        return [
            "name": .string(name), "description": text(description), "up": up.map { .bool($0) } ?? .null,
            "machine_type": text(machineType), "is_vm": .bool(isVM), "vm_host": text(vmHost),
            "os_type": text(osType), "os_version": text(osVersion), "arch": text(arch), "locked": .bool(locked),
            "locked_since": text(lockedSince.map(Self.text)), "locked_by": text(lockedBy),
            "mac_address": text(macAddress), "ssh_pub_key": text(sshPublicKey),
        ]
    }
}

extension PaddlesNode {
    /// Column widths in PostgreSQL (facts 1.3); a longer value is a 500.
    private static let widths = [
        "machine_type": 32, "arch": 16, "os_type": 32, "os_version": 16, "locked_by": 64, "mac_address": 17,
    ]

    /// Sets one column as SQLAlchemy and PostgreSQL would; names that are no columns are ignored. `vm_host` is the
    /// table's business.
    /// - Throws: `PaddlesRefusal.crash` where the real one answers its 500 page.
    mutating func set(_ column: String, _ value: JSONValue) throws(PaddlesRefusal) {
        switch column {
        case "up": up = try Self.flag(value)
        case "is_vm": isVM = try Self.required(value)
        case "locked": locked = try Self.required(value)
        case "locked_since":
            switch value {
            case .null: lockedSince = nil
            case .string(let text):
                guard let time = Timestamp(parsing: text) else { throw .crash }
                lockedSince = time
            default: throw .crash
            }
        case "description": description = try Self.text(value, column)
        case "ssh_pub_key": sshPublicKey = try Self.text(value, column)
        case "machine_type": machineType = try Self.text(value, column)
        case "arch": arch = try Self.text(value, column)
        case "os_type": osType = try Self.text(value, column)
        case "os_version": osVersion = try Self.text(value, column)
        case "locked_by": lockedBy = try Self.text(value, column)
        case "mac_address": macAddress = try Self.text(value, column)
        default: break
        }
    }

    private static func required(_ value: JSONValue) throws(PaddlesRefusal) -> Bool {
        guard let flag = try flag(value) else { throw .crash }
        return flag
    }

    private static func flag(_ value: JSONValue) throws(PaddlesRefusal) -> Bool? {
        if value.isNull { return nil }
        guard let flag = value.pythonBool else { throw .crash }
        return flag
    }

    private static func text(_ value: JSONValue, _ column: String) throws(PaddlesRefusal) -> String? {
        let text: String
        switch value {
        case .null: return nil
        case .string(let value): text = value
        case .integer(let value): text = String(value)
        case .number(let value): text = String(value)
        case .bool(let value): text = value ? "true" : "false"
        case .array, .object: throw .crash
        }
        // PostgreSQL refuses NUL in text and counts characters, not bytes.
        if text.utf8.contains(0) { throw .crash }
        if let width = widths[column], text.unicodeScalars.count > width { throw .crash }
        return text
    }
}

/// Why paddles refuses a write.
enum PaddlesRefusal: Error, Sendable, Hashable {
    /// An exception that nobody catches: the HTML 500 page.
    case crash
    /// One of its error controllers: status and message.
    case refused(Int, String)
}

extension JSONValue {
    /// `value in (True, False)` in Python: 0 and 1 count.
    var pythonBool: Bool? {
        switch self {
        case .bool(let value): value
        case .integer(0), .number(0): false
        case .integer(1), .number(1): true
        default: nil
        }
    }

    /// `not value` in Python.
    var isFalsy: Bool {
        switch self {
        case .null, .bool(false), .integer(0), .number(0), .string(""), .array([]): true
        case .object(let members): members.isEmpty
        default: false
        }
    }
}
