import HTTPKit
import Resilience

/// What an update of a node writes: only what is set here is sent. The keys of a lock (`locked`, `locked_by`) are left
/// out on purpose: in an update paddles writes an owner without any check (facts/teuthology.md 1.6).
package struct NodeChanges: Sendable, Hashable {
    package enum Change<Value: Sendable & Hashable>: Sendable, Hashable {
        case keep
        case clear
        case set(Value)
    }

    package var description: Change<String> = .keep
    package var up: Change<Bool> = .keep
    package var osType: Change<String> = .keep
    package var osVersion: Change<String> = .keep
    package var arch: Change<String> = .keep
    package var macAddress: Change<String> = .keep
    package var sshPublicKey: Change<String> = .keep

    package init() {}

    package var isEmpty: Bool { self == NodeChanges() }

    /// The body of the PUT.
    /// - Throws: `ServiceError` (permanent) when a text does not fit its column: paddles would answer 500.
    func body() throws(ServiceError) -> JSONValue {
        var members: JSONObject = [:]
        let texts: [(PaddlesText, Change<String>)] = [
            (.description, description), (.osType, osType), (.osVersion, osVersion), (.arch, arch),
            (.macAddress, macAddress), (.sshPublicKey, sshPublicKey),
        ]
        for (column, change) in texts {
            switch change {
            case .keep: break
            case .clear: members[column.rawValue] = .null
            case .set(let text): members[column.rawValue] = .string(try column.checked(text, for: "update node"))
            }
        }
        switch up {
        case .keep: break
        case .clear: members["up"] = .null
        case .set(let value): members["up"] = .bool(value)
        }
        return .object(members)
    }
}

/// The text columns of a node and what PostgreSQL lets into them (facts/teuthology.md 1.3).
enum PaddlesText: String {
    case name
    case description
    case machineType = "machine_type"
    case arch
    case osType = "os_type"
    case osVersion = "os_version"
    case lockedBy = "locked_by"
    case macAddress = "mac_address"
    case sshPublicKey = "ssh_pub_key"

    /// In characters; nil means no limit.
    var limit: Int? {
        switch self {
        case .name: 256
        case .machineType, .osType: 32
        case .arch, .osVersion: 16
        case .lockedBy: 64
        case .macAddress: 17
        case .description, .sshPublicKey: nil
        }
    }

    /// The text, when paddles' database can hold it.
    func checked(_ text: String, for operation: String) throws(ServiceError) -> String {
        if let limit, text.unicodeScalars.count > limit {
            throw refusal(
                operation,
                "\(rawValue) \(text.prefix(80).debugDescription) is longer than the \(limit) characters of its column")
        }
        if text.unicodeScalars.contains("\u{0}") {
            throw refusal(operation, "\(rawValue) holds a NUL, which a database text cannot")
        }
        return text
    }

    private func refusal(_ operation: String, _ message: String) -> ServiceError {
        ServiceError(
            service: PaddlesVerdicts.service, operation: operation, message: message, kind: .permanent,
            next: "shorten or correct \(rawValue) in the job")
    }
}
