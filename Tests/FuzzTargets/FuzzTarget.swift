/// A part of the program that reads what others write, held against arbitrary bytes. `ops/fuzz` runs it under libFuzzer,
/// `FuzzTests` over the fixed corpus.
package struct FuzzTarget: Sendable, CustomStringConvertible {
    package let name: String
    /// - Throws: `BrokenProperty` when the code does not hold what it promises. A trap is a finding too.
    package let check: @Sendable (_ input: [UInt8]) throws -> Void

    package var description: String { name }

    package static let all: [FuzzTarget] = [
        FuzzTarget(name: "broker", check: BrokerTarget.check),
        FuzzTarget(name: "config", check: ConfigurationTarget.check),
        FuzzTarget(name: "dns", check: DNSTarget.check),
        FuzzTarget(name: "http", check: HTTPServerTarget.check),
        FuzzTarget(name: "job", check: JobTarget.check),
        FuzzTarget(name: "json", check: JSONTarget.check),
        FuzzTarget(name: "lab", check: LabTarget.check),
        FuzzTarget(name: "openstack", check: OpenStackTarget.check),
        FuzzTarget(name: "pattern", check: PatternTarget.check),
        FuzzTarget(name: "records", check: RecordsTarget.check),
        FuzzTarget(name: "text", check: TextTarget.check),
        FuzzTarget(name: "yaml", check: YAMLTarget.check),
        FuzzTarget(name: "yaml-write", check: YAMLWriteTarget.check),
    ]
}

/// Something that must hold for every input and did not.
package struct BrokenProperty: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(BrokenProperty) {
    if !holds { throw BrokenProperty(otherwise()) }
}

/// What people read, in a terminal or a log: one line, and nothing that steers the terminal.
func requireOneLine(_ text: String, atMost limit: Int = 4_000) throws(BrokenProperty) {
    let bad = text.unicodeScalars.first { scalar in
        scalar.value < 0x20 || [0x7F, 0x85, 0x2028, 0x2029].contains(scalar.value)
    }
    try require(bad == nil, "a message with U+\(String(bad?.value ?? 0, radix: 16)): \(text.debugDescription)")
    try require(text.utf8.count <= limit, "a message of \(text.utf8.count) bytes: \(text.prefix(200))…")
}
