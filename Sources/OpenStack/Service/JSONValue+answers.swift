import HTTPKit
import World

extension JSONValue {
    /// A point in time; nil also when it is written in a way that we do not know: nothing rests on it alone.
    func readTime(_ name: String) -> Timestamp? {
        self[name]?.string.flatMap { Timestamp(parsing: $0) }
    }

    /// Metadata: texts, as the services say; what is none is taken as it is written.
    func readMetadata() throws(JSONError) -> [String: String] {
        let values: [String: JSONValue] = try readIfPresent("metadata") ?? [:]
        return values.filter { !$0.value.isNull }.mapValues { $0.string ?? $0.text }
    }

    /// A quota; nil where there is none, which Nova and Cinder write as -1.
    func readLimit(_ name: String) -> Int? {
        self[name]?.integer.flatMap { $0 < 0 ? nil : $0 }
    }
}
