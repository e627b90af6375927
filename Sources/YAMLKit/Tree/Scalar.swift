/// A YAML scalar as it was written. Nothing is converted before somebody asks for a type, so `22.10` stays `22.10`.
package struct Scalar: Sendable, Hashable {
    package var text: String
    /// Written without quotes (or tagged `!!int` and the like): the text may stand for a number, a boolean or null.
    /// Quoted scalars are always strings.
    package var isPlain: Bool
    /// Plain, and on its line a comment follows: what was meant as a part of it may have been cut off.
    package var isCommented: Bool

    package init(text: String, isPlain: Bool, isCommented: Bool = false) {
        self.text = text
        self.isPlain = isPlain
        self.isCommented = isCommented
    }

    /// What PyYAML would make of it.
    package var type: ScalarType { isPlain ? ScalarType(resolving: text) : .string }

    /// Same text, same type: `abc` equals `"abc"`, `1` does not equal `"1"`. All nulls are equal.
    package static func == (a: Scalar, b: Scalar) -> Bool {
        let type = a.type
        return type == b.type && (type == .null || a.text == b.text)
    }

    package func hash(into hasher: inout Hasher) {
        let type = type
        hasher.combine(type)
        if type != .null { hasher.combine(text) }
    }
}
