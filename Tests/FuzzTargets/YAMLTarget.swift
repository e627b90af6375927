import World
import YAMLKit

/// Reading YAML: places, typed fields, and that what we write is what we read.
enum YAMLTarget {
    private static let limits = YAML.Limits(bytes: 1 << 14, depth: 20, nodes: 2_000, text: 1 << 15)
    /// A tree grows when its aliases are written out.
    static let generous = YAML.Limits(bytes: 1 << 22, depth: 64, nodes: 1 << 20, text: 1 << 22)

    static func check(_ input: [UInt8]) throws {
        let places = Places(input)
        let root: Node?
        do throws(YAMLError) {
            root = try YAML.parse(input, source: "input", limits: limits)
        } catch {
            try requireOneLine(error.description)
            let mark = Mark(line: error.line, column: error.column)
            try require(places.contain(mark), "an error outside of the text: \(error)")
            return
        }
        guard let root else { return }
        for mark in root.marks { try require(places.contain(mark), "a node at \(mark), outside of the text") }
        try requireLossless(root)
        try checkFields(root, places)
    }

    /// Writes a tree and reads it back.
    static func requireLossless(_ tree: Node) throws {
        let text = YAMLWriter.write(tree)
        let again: Node?
        do throws(YAMLError) {
            again = try YAML.parse(text, source: "output", limits: generous)
        } catch {
            throw BrokenProperty("what we wrote cannot be read: \(error)\n\(text)")
        }
        try require((again ?? .null).isSame(as: tree), "written and read again it is another tree:\n\(text)")
    }

    // MARK: Fields

    private enum Colour: String, CaseIterable, Sendable { case red, green }

    private static func checkFields(_ root: Node, _ places: Places) throws {
        let problems = Problems(source: "input")
        let fields = Fields(root, problems: problems)
        for key in (root.mapping?.keys ?? []).prefix(20) {
            try readBack(fields, key, .string, ==)
            try readBack(fields, key, .boolean, ==)
            try readBack(fields, key, .integer(), ==)
            try readBack(fields, key, .integer(in: 1...65_535), ==)
            try readBack(fields, key, .number(), ==)
            try readBack(fields, key, .duration(), isSameToTheMillisecond)
            try readBack(fields, key, Shape<Colour>.choice, ==)
            try readBack(fields, key, .list(.string), ==)
            try readBack(fields, key, .list(.integer(), atLeast: 1), ==)
            try readBack(fields, key, .dictionary(.string)) { $0.elementsEqual($1, by: ==) }
            _ = fields.fields(key)
            _ = fields.fieldsList(key)
            for entry in fields.fieldsMap(key) { entry.fields.reportLeftovers() }
        }
        Fields(root, problems: problems).reportLeftovers()
        for problem in problems.all {
            try requireOneLine(problem.description, atMost: 20_000)
            try require(places.contain(problem.mark), "a problem outside of the text: \(problem)")
        }
    }

    private static func readBack<Value>(
        _ fields: Fields, _ key: String, _ shape: Shape<Value>, _ isSame: (Value, Value) -> Bool
    ) throws {
        guard let value = fields.read(key, shape) else { return }
        let problems = Problems(source: "again")
        let again = shape.read(shape.write(value), key, problems)
        try require(
            again.map { isSame($0, value) } ?? false,
            "\(shape.expectation): \(value) was written and read as \(again.map { "\($0)" } ?? "nothing")")
    }

    /// Written durations keep whole milliseconds.
    private static func isSameToTheMillisecond(_ one: Duration, _ two: Duration) -> Bool {
        one.nanoseconds / 1_000_000 == two.nanoseconds / 1_000_000
    }
}

/// Writing YAML: trees of arbitrary texts and keys.
enum YAMLWriteTarget {
    static func check(_ input: [UInt8]) throws {
        var reader = TreeReader(bytes: input[...])
        let tree = reader.node(depth: 0)
        try YAMLTarget.requireLossless(tree)
        let text = String(decoding: input, as: UTF8.self)
        try YAMLTarget.requireLossless(.map([("a", .list([.string(text)])), (text, .string(text))]))
        let line = YAMLWriter.inline(text)
        try require(!line.utf8.contains(UInt8(ascii: "\n")), "an inline text of two lines: \(line)")
        try require(
            (try? YAML.parse(line, source: "line", limits: YAMLTarget.generous))??.text?.utf8
                .elementsEqual(text.utf8) == true,
            "written inline and read again it is another text: \(line)")
    }

    /// Makes a tree of any bytes: the low bits of each say what comes next.
    private struct TreeReader {
        var bytes: ArraySlice<UInt8>

        mutating func node(depth: Int) -> Node {
            guard let byte = bytes.popFirst(), depth < 12 else { return .null }
            let count = Int(byte >> 3)
            switch byte & 7 {
            case 0, 1, 2: return .string(text(count))
            case 3: return .string(text(count * 64))
            case 4: return .integer(Int(truncatingIfNeeded: Digest.of(take(8))))
            case 5: return .number(Double(bitPattern: take(8).reduce(0) { $0 << 8 | UInt64($1) }))
            case 6: return .list((0..<count % 6).map { _ in node(depth: depth + 1) })
            default:
                return .map((0..<count % 6).map { _ in (text(Int(bytes.popFirst() ?? 0)), node(depth: depth + 1)) })
            }
        }

        private mutating func text(_ count: Int) -> String { String(decoding: take(count), as: UTF8.self) }

        private mutating func take(_ count: Int) -> ArraySlice<UInt8> {
            defer { bytes = bytes.dropFirst(count) }
            return bytes.prefix(count)
        }
    }
}
