import HTTPKit

/// What differs between two bodies beyond values that every cloud makes up for itself.
struct ShapeComparison {
    /// Members whose values are words of the API, and so must be equal.
    private static let words: Set<String> = [
        "status", "OS-EXT-STS:vm_state", "OS-EXT-STS:task_state", "OS-EXT-STS:power_state", "rel", "message", "code",
        "title", "device", "config_drive", "bootable", "progress", "OS-DCF:diskConfig", "zoneName", "availability_zone",
        "visibility", "description", "volume_type", "type", "methods", "is_domain", "size", "min_disk", "min_ram",
        "metadata", "OS-EXT-IPS:type", "version", "min_version", "OS-EXT-AZ:availability_zone", "first", "schema",
    ]

    private(set) var differences: [String] = []
    private let optional: Set<String>

    /// - Parameter optional: members that may be missing or null on either side.
    init(recorded: JSONValue, ours: JSONValue, exactly: Bool, optional: Set<String>) {
        self.optional = optional
        compare(recorded, ours, at: "", exactly: exactly)
    }

    private mutating func compare(_ recorded: JSONValue, _ ours: JSONValue, at path: String, exactly: Bool) {
        switch (recorded, ours) {
        case (.object(let a), .object(let b)):
            for key in Set(a.keys).union(b.keys).sorted() where !optional.contains(key) {
                guard let left = a[key], let right = b[key] else {
                    differences.append("\(path)/\(key): only \(a[key] == nil ? "ours" : "recorded")")
                    continue
                }
                compare(left, right, at: path + "/" + key, exactly: exactly || Self.words.contains(key))
            }
        case (.array(let a), .array(let b)):
            if exactly, a != b { differences.append("\(path): recorded \(recorded.text), ours \(ours.text)") }
            if a.isEmpty != b.isEmpty { differences.append("\(path): \(a.count) recorded, \(b.count) ours") }
            for (left, right) in zip(a, b) { compare(left, right, at: path + "[]", exactly: exactly) }
        default:
            if exactly ? recorded != ours : Self.kind(recorded) != Self.kind(ours) {
                differences.append("\(path): recorded \(recorded.text), ours \(ours.text)")
            }
        }
    }

    private static func kind(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "bool"
        case .integer, .number: "number"
        case .string: "text"
        case .array: "array"
        case .object: "object"
        }
    }
}
