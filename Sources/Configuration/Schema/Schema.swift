package import YAMLKit

/// The keys of one mapping of the configuration, declared once: reading, `config check`, the example file and the
/// reference all come from these.
package struct Schema<Root: Sendable>: Sendable {
    package let keys: [SchemaKey<Root>]
    /// Keys that belong to others who share this mapping (teuthology) and are none of our business.
    private let foreign: Set<String>
    /// Others may put keys here that we have never heard of.
    private let isShared: Bool

    package init(_ keys: [SchemaKey<Root>], foreign: Set<String> = [], isShared: Bool = false) {
        self.keys = keys
        self.foreign = foreign
        self.isShared = isShared
    }

    /// Reads onto `root`: keys that are absent or wrong leave it as it is.
    /// - Parameter context: how strictly unknown keys are taken.
    package func read(_ fields: Fields, onto root: inout Root, _ context: SchemaContext) {
        for key in keys { key.read(fields, &root, context) }
        for entry in fields.leftovers() where !foreign.contains(entry.key) {
            let hint = fields.hint(for: entry.key)
            if hint.isEmpty && isShared && context.isTeuthologyFile {
                fields.problems.warning(
                    entry.keyMark, fields.path(entry.key), "unknown key, ignored", hint: "taken for one of teuthology's"
                )
            } else {
                fields.problems.error(
                    entry.keyMark, fields.path(entry.key), "unknown key",
                    hint: hint.isEmpty ? deepHint(for: entry.key, root) : hint)
            }
        }
    }

    /// For a key that is one of a mapping below (`ssh_user`, `providers`), or that begins as one does (`retry`).
    private func deepHint(for key: String, _ root: Root) -> String {
        var found: [String] = []
        for path in documents(root).flatMap({ $0.paths() }) {
            let names = path.split(separator: ".")
            for end in names.indices {
                let isMeant =
                    names[end] == key || names[...end].joined(separator: "_") == key
                    || (end == 0 && names[end].hasPrefix("\(key)_"))
                let place = names[...end].joined(separator: ".")
                if isMeant, !found.contains(place) { found.append(place) }
            }
        }
        return (1...3).contains(found.count) ? "did you mean \(found.joined(separator: " or "))?" : ""
    }

    /// The values in effect, secrets hidden; keys that have no value are left out.
    package func node(_ root: Root) -> Node {
        .map(keys.compactMap { key in key.show(root).map { (key.name, $0) } })
    }

    /// The declaration of every key, with the values of `root` as the defaults.
    package func documents(_ root: Root) -> [KeyDocument] { keys.map { $0.document(root) } }
}

package struct SchemaContext: Sendable {
    /// The file is (also) teuthology's own.
    package var isTeuthologyFile: Bool

    package init(isTeuthologyFile: Bool) { self.isTeuthologyFile = isTeuthologyFile }
}

/// One key: where it is stored, how it looks, what it means.
package struct SchemaKey<Root: Sendable>: Sendable {
    package let name: String
    let read: @Sendable (Fields, inout Root, SchemaContext) -> Void
    let show: @Sendable (Root) -> Node?
    let document: @Sendable (Root) -> KeyDocument
}

/// A key path that may be kept in a static declaration.
package typealias Place<Root, Value> = WritableKeyPath<Root, Value> & Sendable

extension SchemaKey {
    /// A key with a default, which is the value that `Root` begins with.
    static func value<Value: Sendable>(
        _ name: String, _ place: any Place<Root, Value>, _ shape: Shape<Value>, _ meaning: String
    ) -> SchemaKey {
        SchemaKey(
            name: name,
            read: { fields, root, _ in
                if let value = fields.read(name, shape) { root[keyPath: place] = value }
                guard fields.isEmpty(name) else { return }
                fields.problems.error(
                    fields.mark(of: name), fields.path(name), "expected \(shape.expectation), found nothing",
                    hint: "remove the line for the default: \(KeyDocument.inline(shape.write(root[keyPath: place])))")
            },
            show: { shape.write($0[keyPath: place]) },
            document: { root in
                KeyDocument(
                    name: name, meaning: meaning, form: shape.expectation,
                    content: .value(default: shape.write(root[keyPath: place])))
            })
    }

    /// A key without a default of its own.
    /// - Parameter otherwise: what holds when it is absent, for people.
    static func optional<Value: Sendable>(
        _ name: String, _ place: any Place<Root, Value?>, _ shape: Shape<Value>, otherwise: String,
        example: Value, _ meaning: String
    ) -> SchemaKey {
        SchemaKey(
            name: name,
            read: { fields, root, _ in
                if let value = fields.read(name, shape) { root[keyPath: place] = value }
            },
            show: { $0[keyPath: place].map(shape.write) },
            document: { root in
                KeyDocument(
                    name: name, meaning: meaning, form: shape.expectation,
                    content: .optional(
                        otherwise: otherwise, example: shape.write(root[keyPath: place] ?? example),
                        isSet: root[keyPath: place] != nil))
            })
    }

    /// A nested mapping.
    static func section<Section: Sendable>(
        _ name: String, _ place: any Place<Root, Section>, _ schema: Schema<Section>, _ meaning: String
    ) -> SchemaKey {
        SchemaKey(
            name: name,
            read: { fields, root, context in
                guard let nested = fields.fields(name) else { return }
                schema.read(nested, onto: &root[keyPath: place], context)
            },
            show: { schema.node($0[keyPath: place]) },
            document: { root in
                KeyDocument(
                    name: name, meaning: meaning, form: "a mapping",
                    content: .section(schema.documents(root[keyPath: place])))
            })
    }

    /// A mapping of names that the operator chooses to mappings of one kind.
    /// - Parameter example: an entry for the example file.
    static func named<Section: Sendable>(
        _ name: String, _ place: any Place<Root, [Section]>, _ schema: Schema<Section>,
        nameOf: @escaping @Sendable (Section) -> String, make: @escaping @Sendable (String) -> Section,
        example: Section, _ meaning: String
    ) -> SchemaKey {
        SchemaKey(
            name: name,
            read: { fields, root, context in
                root[keyPath: place] = fields.fieldsMap(name).map { entry in
                    var section = make(entry.name)
                    schema.read(entry.fields, onto: &section, context)
                    return section
                }
            },
            show: { root in .map(root[keyPath: place].map { (nameOf($0), schema.node($0)) }) },
            document: { _ in
                KeyDocument(
                    name: name, meaning: meaning, form: "a mapping of names to mappings",
                    content: .named(nameOf(example), schema.documents(example)))
            })
    }

    /// A mapping of free names to texts; what is given is laid over the built-in entries.
    static func table(_ name: String, _ place: any Place<Root, [String: String]>, _ meaning: String) -> SchemaKey {
        let shape = Shape<[(key: String, value: String)]>.dictionary(.string)
        @Sendable func node(_ root: Root) -> Node {
            shape.write(root[keyPath: place].sorted { $0.key < $1.key })
        }
        return SchemaKey(
            name: name,
            read: { fields, root, _ in
                for (key, value) in fields.read(name, shape) ?? [] { root[keyPath: place][key] = value }
            },
            show: { node($0) },
            document: { root in
                KeyDocument(
                    name: name, meaning: meaning, form: shape.expectation,
                    content: .value(default: node(root)))
            })
    }
}
