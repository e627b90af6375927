import HTTPKit

/// Makes a tree of a text that is JSON. YAML is not quite a superset: libyaml refuses surrogate pairs, YAML some
/// characters, and we a key that is there twice, of which every reader of JSON takes the last.
struct JSONTree: JSONBuilder {
    private var iterator: ArraySlice<UInt8>.Iterator
    private var decoder = UTF8()
    private var offset: Int
    private var counter = MarkCounter()
    private var nodesLeft: Int

    /// - Returns: nil for what is no object or array in JSON: it may be YAML.
    static func parse(_ text: SourceText, limits: YAML.Limits) -> Node? {
        let first = text.bytes.first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return nil }
        // A syntax error is told by the YAML reader, which has to refuse the text, too.
        return try? JSONParser.parse(
            Array(text.bytes), deepest: limits.depth - 1, with: JSONTree(text.bytes, nodes: limits.nodes))
    }

    private init(_ bytes: ArraySlice<UInt8>, nodes: Int) {
        iterator = bytes.makeIterator()
        offset = 0
        nodesLeft = nodes
    }

    mutating func place(_ offset: Int) throws(JSONError) -> Mark {
        guard nodesLeft > 0 else { throw JSONError("too many values") }
        nodesLeft -= 1
        while self.offset < offset, case .scalarValue(let scalar) = decoder.decode(&iterator) {
            self.offset += UTF8.width(scalar)
            counter.pass(scalar)
        }
        return counter.mark
    }

    func null(_ mark: Mark) -> Node { plain("null", mark) }
    func bool(_ value: Bool, _ mark: Mark) -> Node { plain(value ? "true" : "false", mark) }
    func string(_ value: String, _ mark: Mark) -> Node {
        Node(.scalar(Scalar(text: value, isPlain: false)), mark: mark)
    }

    /// As it was written: `22.10` stays `22.10`. Only what YAML would take for text, such as `1e5`, is written anew.
    func number(_ text: String, isWhole: Bool, _ mark: Mark) -> Node? {
        guard ScalarType(resolving: text) == .string else { return plain(text, mark) }
        return Double(text).map { plain(ScalarType.floatText($0), mark) }
    }

    func array(_ values: [Node], _ mark: Mark) -> Node { Node(.sequence(values), mark: mark) }

    func member(_ name: String, _ mark: Mark, _ value: Node) -> Mapping.Entry {
        Mapping.Entry(key: name, keyMark: mark, value: value)
    }

    func object(_ members: [Mapping.Entry], _ mark: Mark) -> Node {
        var seen: Set<String> = []
        var mapping = Mapping()
        let last = members.reversed().filter { seen.insert($0.key).inserted }
        for entry in last.reversed() { mapping.append(entry.key, entry.keyMark, entry.value) }
        return Node(.mapping(mapping), mark: mark)
    }

    private func plain(_ text: String, _ mark: Mark) -> Node {
        Node(.scalar(Scalar(text: text, isPlain: true)), mark: mark)
    }
}
