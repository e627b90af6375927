/// Makes a tree of libyaml's events: expands aliases and merge keys within the limits, refuses the rest of what YAML
/// offers and nobody means.
struct Composer: ~Copyable {
    /// A finished node that aliases may repeat, with what one more copy costs.
    private struct Anchored {
        var node: Node
        var size: Size
    }

    private struct Size {
        var nodes = 0
        var text = 0
        /// Levels below and including this one.
        var height = 1

        mutating func add(_ child: Size) {
            nodes += child.nodes
            text += child.text
            height = max(height, child.height + 1)
        }
    }

    private var events: EventParser
    private let limits: YAML.Limits
    private var anchors: [String: Anchored] = [:]
    private var open: Set<String> = []
    private var total = Size()

    init(events: consuming EventParser, limits: YAML.Limits) {
        self.events = events
        self.limits = limits
    }

    /// The only document of the stream; a null scalar when there is none.
    mutating func document() throws(YAMLError) -> Node {
        var root = Node.null
        while true {
            let event = try events.next()
            switch event.kind {
            case .streamStart: continue
            case .streamEnd: return root
            case .documentStart: break
            default: throw refuse(event.mark, "unreadable YAML")
            }
            guard root.mark == .none else {
                throw refuse(event.mark, "a second document begins here", "only one document is read: remove the ---")
            }
            root = try node(try events.next(), depth: 1).node
            _ = try events.next()
        }
    }

    private mutating func node(_ event: Event, depth: Int) throws(YAMLError) -> Anchored {
        guard depth <= limits.depth else { throw tooDeep(event.mark) }
        switch event.kind {
        case .alias(let name): return try alias(name, event.mark, depth: depth)
        case .scalar(let scalar, let anchor, let tag):
            let node = Self.tagged(scalar, tag, event.mark)
            let result = Anchored(node: node, size: Size(nodes: 1, text: scalar.text.utf8.count))
            try count(result.size, event.mark)
            if let anchor { anchors[anchor] = result }
            return result
        case .sequenceStart(let anchor, let tag):
            return try anchored(anchor, event.mark) { (composer: inout Composer) throws(YAMLError) in
                Self.tagged(try composer.sequence(event.mark, depth: depth), tag, unless: "seq")
            }
        case .mappingStart(let anchor, let tag):
            return try anchored(anchor, event.mark) { (composer: inout Composer) throws(YAMLError) in
                Self.tagged(try composer.mapping(event.mark, depth: depth), tag, unless: "map")
            }
        default: throw refuse(event.mark, "unreadable YAML")
        }
    }

    private mutating func alias(_ name: String, _ mark: Mark, depth: Int) throws(YAMLError) -> Anchored {
        guard let target = anchors[name] else {
            throw refuse(
                mark,
                // Unnamed: what begins with a star may be somebody's password.
                open.contains(name) ? "this alias repeats a node that contains it" : "this alias has no anchor",
                "quote a text that begins with *")
        }
        guard depth + target.size.height - 1 <= limits.depth else { throw tooDeep(mark) }
        try count(target.size, mark)
        return target
    }

    private mutating func anchored(
        _ anchor: String?, _ mark: Mark, _ compose: (inout Composer) throws(YAMLError) -> Anchored
    ) throws(YAMLError) -> Anchored {
        guard let anchor else { return try compose(&self) }
        // A name may be used again for another node; until that one is complete, the old one is out of reach.
        anchors[anchor] = nil
        open.insert(anchor)
        let result = try compose(&self)
        open.remove(anchor)
        anchors[anchor] = result
        return result
    }

    private mutating func sequence(_ mark: Mark, depth: Int) throws(YAMLError) -> Anchored {
        var items: [Node] = []
        var size = Size(nodes: 1)
        try count(size, mark)
        while true {
            let event = try events.next()
            if case .sequenceEnd = event.kind { break }
            let item = try node(event, depth: depth + 1)
            items.append(item.node)
            size.add(item.size)
        }
        return Anchored(node: Node(.sequence(items), mark: mark), size: size)
    }

    private mutating func mapping(_ mark: Mark, depth: Int) throws(YAMLError) -> Anchored {
        var own = Mapping()
        var merged: [Mapping] = []
        var mergeMark: Mark?
        var size = Size(nodes: 1)
        try count(size, mark)
        while true {
            let event = try events.next()
            if case .mappingEnd = event.kind { break }
            let key = try node(event, depth: depth + 1)
            guard let scalar = key.node.scalar else {
                throw refuse(event.mark, "a key must be a scalar", "quote text that begins with {, [, &, * or !")
            }
            size.add(key.size)
            let value = try node(try events.next(), depth: depth + 1)
            size.add(value.size)
            if scalar.type == .merge {
                guard mergeMark == nil else { throw duplicate("<<", event.mark, mergeMark ?? mark) }
                mergeMark = event.mark
                merged = try mergeSources(value.node, event.mark)
            } else {
                let name = scalar.type == .null ? "null" : scalar.text
                guard own.append(name, event.mark, value.node, keyType: scalar.type) else {
                    throw duplicate(name, event.mark, own.entry(name)?.keyMark ?? mark)
                }
            }
        }
        let result = merged.isEmpty ? own : Self.merge(merged, under: own)
        return Anchored(node: Node(.mapping(result), mark: mark), size: size)
    }

    private func mergeSources(_ value: Node, _ mark: Mark) throws(YAMLError) -> [Mapping] {
        var sources: [Mapping] = []
        for node in value.sequence ?? [value] {
            guard let mapping = node.mapping else {
                throw refuse(mark, "<< merges a mapping or a list of mappings, found \(node.summary)")
            }
            sources.append(mapping)
        }
        return sources
    }

    /// PyYAML's order: merged entries first, the earlier source wins, the mapping's own entries win over all.
    private static func merge(_ sources: [Mapping], under own: Mapping) -> Mapping {
        var result = Mapping()
        for entry in sources.lazy.flatMap(\.entries) where own.entry(entry.key) == nil {
            result.append(entry.key, entry.keyMark, entry.value, keyType: entry.keyType)
        }
        for entry in own.entries {
            result.append(entry.key, entry.keyMark, entry.value, keyType: entry.keyType)
        }
        return result
    }

    private mutating func count(_ size: Size, _ mark: Mark) throws(YAMLError) {
        total.nodes += size.nodes
        total.text += size.text
        guard total.nodes <= limits.nodes, total.text <= limits.text else {
            throw refuse(mark, "the document grows too large here", "at most \(limits.nodes) nodes, aliases counted")
        }
    }

    // MARK: Tags

    /// A tag that says what the scalar says anyway is dropped, any other stays.
    private static func tagged(_ scalar: Scalar, _ tag: String?, _ mark: Mark) -> Node {
        guard let tag else { return Node(.scalar(scalar), mark: mark) }
        let quoted = Node(.scalar(Scalar(text: scalar.text, isPlain: false)), mark: mark)
        if tag == "!" || tag == YAML.tagPrefix + "str" { return quoted }
        let plain = Scalar(text: scalar.text, isPlain: true)
        if let name = plain.type.tag, tag == YAML.tagPrefix + name { return Node(.scalar(plain), mark: mark) }
        return Node(.tagged(tag, quoted), mark: mark)
    }

    private static func tagged(_ collection: Anchored, _ tag: String?, unless name: String) -> Anchored {
        guard let tag, tag != "!", tag != YAML.tagPrefix + name else { return collection }
        var result = collection
        result.node = Node(.tagged(tag, collection.node), mark: collection.node.mark)
        return result
    }

    // MARK: Errors

    private func tooDeep(_ mark: Mark) -> YAMLError {
        refuse(mark, "nested more than \(limits.depth) levels deep")
    }

    private func duplicate(_ key: String, _ mark: Mark, _ first: Mark) -> YAMLError {
        refuse(mark, "the key \(Node.quoted(key)) is here a second time", "first on line \(first.line)")
    }

    private func refuse(_ mark: Mark, _ problem: String, _ hint: String = "") -> YAMLError {
        YAMLError(source: events.source, mark: mark, problem: problem, hint: hint)
    }
}
