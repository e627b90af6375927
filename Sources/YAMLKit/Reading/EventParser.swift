import CYAML

/// What libyaml's parser says, as Swift values.
struct Event {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias(String)
        case scalar(Scalar, anchor: String?, tag: String?)
        case sequenceStart(anchor: String?, tag: String?)
        case sequenceEnd
        case mappingStart(anchor: String?, tag: String?)
        case mappingEnd
    }

    var kind: Kind
    var mark: Mark
}

/// Owns a `yaml_parser_t`, which points into itself and therefore must not move, and the bytes that it reads.
struct EventParser: ~Copyable {
    let source: String
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    /// How far `isCommented` has counted, in characters as libyaml counts them, and in bytes.
    private var counted = (characters: 0, bytes: 0)

    init(_ text: SourceText) throws(YAMLError) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw YAMLError(source: text.source, mark: Mark(line: 1, column: 1), problem: "out of memory")
        }
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, text.bytes.count))
        _ = input.initialize(from: text.bytes)
        yaml_parser_set_input_string(parser, input.baseAddress, text.bytes.count)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        self.source = text.source
        self.parser = parser
        self.input = input
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    mutating func next() throws(YAMLError) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        return Event(kind: try kind(of: event), mark: Mark(event.start_mark))
    }

    /// Whether a comment follows on the line on which a scalar ends. To be asked from front to back.
    private mutating func isCommented(after end: yaml_mark_t) -> Bool {
        while counted.characters < end.index, counted.bytes < input.count {
            counted.characters += 1
            counted.bytes += 1
            while counted.bytes < input.count, input[counted.bytes] & 0xC0 == 0x80 { counted.bytes += 1 }
        }
        return input[counted.bytes...].first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
            == UInt8(ascii: "#")
    }

    private mutating func kind(of event: yaml_event_t) throws(YAMLError) -> Event.Kind {
        switch event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_STREAM_END_EVENT: return .streamEnd
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let value = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            let isCommented = isPlain && isCommented(after: event.end_mark)
            return .scalar(
                Scalar(text: value, isPlain: isPlain, isCommented: isCommented), anchor: text(scalar.anchor),
                tag: text(scalar.tag))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return .sequenceStart(anchor: text(start.anchor), tag: text(start.tag))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return .mappingStart(anchor: text(start.anchor), tag: text(start.tag))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        default: throw YAMLError(source: source, mark: Mark(event.start_mark), problem: "unreadable YAML")
        }
    }

    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func failure() -> YAMLError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "out of memory"
        var message = problem
        if let context = parser.pointee.context.map({ String(cString: $0) }) {
            message += " \(context)"
            let begin = Mark(parser.pointee.context_mark)
            if begin.line != Mark(parser.pointee.problem_mark).line { message += " that begins on line \(begin.line)" }
        }
        return YAMLError(
            source: source, mark: Mark(parser.pointee.problem_mark), problem: message, hint: Self.hint(for: problem))
    }

    /// libyaml's commonest complaints say little to somebody who does not know its grammar.
    private static func hint(for problem: String) -> String {
        switch problem {
        case "found character that cannot start any token":
            "indent with blanks, not tabs, and quote a text that begins with @, ` or %"
        case "found a tab character that violates indentation": "indent with blanks, not tabs"
        case "mapping values are not allowed in this context": "quote a text that contains a colon and a blank"
        case "did not find expected key", "did not find expected '-' indicator",
            "could not find expected ':'":
            "check the indentation and the quotes of the lines before"
        default: ""
        }
    }
}

extension Mark {
    init(_ mark: yaml_mark_t) { self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }
}
