/// A shell pattern over names: `*` stands for any run of characters, `?` for one. Letter case does not count, as node
/// names are lower case and people are not always.
package struct Glob: Sendable, Hashable {
    private let pattern: [Character]

    package init(_ text: String) { pattern = Array(text.lowercased()) }

    /// Takes time in proportion to both lengths: only the last `*` is ever tried again.
    package func matches(_ name: String) -> Bool {
        let name = Array(name.lowercased())
        var position = 0
        var index = 0
        var star: (pattern: Int, name: Int)?
        while index < name.count {
            if position < pattern.count, pattern[position] == "*" {
                star = (position + 1, index)
                position += 1
            } else if position < pattern.count, pattern[position] == "?" || pattern[position] == name[index] {
                position += 1
                index += 1
            } else if let last = star {
                star = (last.pattern, last.name + 1)
                position = last.pattern
                index = last.name + 1
            } else {
                return false
            }
        }
        return pattern[position...].allSatisfy { $0 == "*" }
    }
}
