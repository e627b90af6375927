import YAMLKit

/// The lines of a text as YAML counts them, to see whether a reported place exists.
struct Places {
    /// Code points per line.
    private var lengths = [0]

    init(_ bytes: [UInt8]) {
        var previous: Unicode.Scalar?
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x0A where previous == "\r": break
            case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: lengths.append(0)
            default: lengths[lengths.count - 1] += 1
            }
            previous = scalar
        }
    }

    /// Inside the text, or just behind the end of a line or of the text.
    func contain(_ mark: Mark) -> Bool {
        if mark.line == lengths.count + 1 { return mark.column == 1 }
        guard (1...lengths.count).contains(mark.line) else { return false }
        return (1...lengths[mark.line - 1] + 1).contains(mark.column)
    }
}

extension Node {
    /// Every place in the tree.
    var marks: [Mark] {
        switch kind {
        case .scalar: [mark]
        case .sequence(let items): [mark] + items.flatMap(\.marks)
        case .mapping(let mapping): [mark] + mapping.entries.flatMap { [$0.keyMark] + $0.value.marks }
        case .tagged(_, let node): [mark] + node.marks
        }
    }

    /// Equal to the byte: `==` of texts follows Unicode, for which two spellings of é are one.
    func isSame(as other: Node) -> Bool {
        switch (kind, other.kind) {
        case (.scalar(let one), .scalar(let two)):
            one.type == two.type && (one.type == .null || one.text.utf8.elementsEqual(two.text.utf8))
        case (.sequence(let one), .sequence(let two)):
            one.count == two.count && zip(one, two).allSatisfy { $0.isSame(as: $1) }
        case (.mapping(let one), .mapping(let two)):
            one.count == two.count
                && zip(one.entries, two.entries).allSatisfy {
                    $0.key.utf8.elementsEqual($1.key.utf8) && $0.keyType == $1.keyType
                        && $0.value.isSame(as: $1.value)
                }
        case (.tagged(let one, let node), .tagged(let two, let other)):
            one.utf8.elementsEqual(two.utf8) && node.isSame(as: other)
        default: false
        }
    }
}
