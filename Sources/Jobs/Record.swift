import World
import YAMLKit

/// A body of ours in the broker that cannot be read.
package struct Unreadable: Error, Sendable, Hashable, CustomStringConvertible {
    package var what: String
    package var why: String

    package var description: String { "not a \(what) of ours: \(why)" }
}

/// Lenient reading of what another process of ours wrote, perhaps a neighbouring release: unknown keys are ignored,
/// absent ones are empty, a newer major version is refused.
struct Record {
    private let mapping: Mapping

    init(parsing bytes: [UInt8], what: String, version: Int) throws(Unreadable) {
        let node: Node?
        do {
            node = try YAML.parse(bytes, source: what, limits: .job)
        } catch {
            throw Unreadable(what: what, why: error.description)
        }
        guard let mapping = node?.mapping else { throw Unreadable(what: what, why: "not a mapping") }
        guard let written = mapping["v"]?.text.flatMap({ Int($0) }) else {
            throw Unreadable(what: what, why: "it has no version")
        }
        guard written <= version else {
            throw Unreadable(what: what, why: "version \(written); this release reads up to \(version)")
        }
        self.mapping = mapping
    }

    private init(_ mapping: Mapping) {
        self.mapping = mapping
    }

    func text(_ key: String) -> String { optionalText(key) ?? "" }
    func optionalText(_ key: String) -> String? {
        guard let node = mapping[key], !node.isNull else { return nil }
        return node.text
    }
    func integer(_ key: String) -> Int? { mapping[key]?.text.flatMap { Int($0) } }
    func time(_ key: String) -> Timestamp { Timestamp(parsing: text(key)) ?? Timestamp(seconds: 0) }
    func texts(_ key: String) -> [String] { (mapping[key]?.sequence ?? []).compactMap(\.text) }
    func record(_ key: String) -> Record { Record(mapping[key]?.mapping ?? Mapping()) }
    func records(_ key: String) -> [Record] { (mapping[key]?.sequence ?? []).compactMap(\.mapping).map(Record.init) }
    var pairs: [(String, String)] { mapping.entries.map { ($0.key, $0.value.text ?? "") } }
}
