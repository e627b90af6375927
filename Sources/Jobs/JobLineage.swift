package import World
package import YAMLKit

/// What a job that is put anew keeps of the one that it replaces, so that it is the same job in all that counts: the key,
/// by which what was built for it is known, and its place in the order of its node's jobs, so that it never takes away
/// what a newer job built meanwhile.
package struct JobLineage: Sendable, Hashable {
    package let key: String
    /// When the first of them was put, in whole seconds.
    package let put: Timestamp
    /// The old body's `uuid` was none, so nothing is known by it.
    private let isKeyOpen: Bool
    /// The old body's `first_put`.
    private let writtenPut: Node?

    private static let keyName = "uuid"
    private static let putName = "first_put"

    /// - Parameters:
    ///   - body: of the job that is replaced.
    ///   - key: under which it was worked on.
    ///   - put: when it was put; an earlier `first_put` in the body is stronger.
    package init(of body: [UInt8], key: String, put: Timestamp) {
        let root = try? YAML.parse(body, source: "job", limits: .job)
        self.key = key
        let uuid = root?[Self.keyName].flatMap { $0.isNull ? nil : $0.text }
        isKeyOpen = uuid.map { $0 != key } ?? false
        writtenPut = root?[Self.putName]
        let first = writtenPut?.text.flatMap { Timestamp(ofBody: $0) }.flatMap { first in
            JobOrder.isPlausible(firstPut: first, put: put) ? first : nil
        }
        self.put = Self.wholeSeconds(min(put, first ?? put))
    }

    /// What in a new body would make it another job.
    package func problems(in body: [UInt8], source: String) -> [Problem] {
        guard let mapping = (try? YAML.parse(body, source: source, limits: .job))?.mapping else { return [] }
        var problems: [Problem] = []
        func complain(_ name: String, _ message: String) {
            problems.append(
                Problem(
                    .error, source: source, mark: mapping.entry(name)?.keyMark ?? .none, path: name, message: message,
                    hint: "leave it as it was, or out"))
        }
        if !isKeyOpen, let uuid = mapping[Self.keyName], !uuid.isNull, uuid.text != key {
            complain(Self.keyName, "expected \(key), by which what was built for this job is known")
        }
        if let first = mapping[Self.putName], !first.isNull, first != writtenPut,
            first.text.flatMap({ Timestamp(ofBody: $0) }).map(Self.wholeSeconds) != put
        {
            complain(Self.putName, "expected \(put), by which jobs of one node are ordered")
        }
        return problems
    }

    /// Writes itself into a body that does not say it yet, and changes nothing else in it.
    /// - Returns: nil when there is no way to add a key to a text of this form.
    package func written(into body: [UInt8]) -> [UInt8]? {
        guard let mapping = Self.mapping(body) else { return nil }
        let missing = [(Self.keyName, key), (Self.putName, put.description)].filter { name, _ in
            mapping[name].map(\.isNull) ?? true
        }
        guard !missing.isEmpty else { return body }
        guard let first = mapping.entries.map(\.keyMark).min(), let offset = YAML.offset(of: first, in: body) else {
            return nil
        }
        let indentation = String(repeating: " ", count: max(0, first.column - 1))
        let lines = missing.map { "\($0): \"\($1)\"\n\(indentation)" }.joined()
        let members = missing.map { "\"\($0)\": \"\($1)\", " }.joined()
        let wanted = Set(mapping.entries + missing.map { Mapping.Entry(key: $0, value: .string($1)) })
        // Which of the two styles the text has is seen from what comes out.
        for text in [lines, members] {
            let written = body[..<offset] + Array(text.utf8) + body[offset...]
            if let found = Self.mapping(Array(written)), Set(found.entries) == wanted { return Array(written) }
        }
        return nil
    }

    private static func wholeSeconds(_ time: Timestamp) -> Timestamp {
        Timestamp(seconds: time.microseconds / 1_000_000)
    }

    private static func mapping(_ body: [UInt8]) -> Mapping? {
        (try? YAML.parse(body, source: "job", limits: .job))?.mapping
    }
}
