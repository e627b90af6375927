import HTTPKit
import World

extension JSONValue {
    /// A point in time; nil also when it is written in a way that we do not know: nothing rests on it alone.
    func readTime(_ name: String) throws(JSONError) -> Timestamp? {
        let text: String? = try readIfPresent(name)
        return text.flatMap { Timestamp(parsing: $0) }
    }

    /// A quota; nil where there is none, which Nova and Cinder write as -1.
    func readLimit(_ name: String) throws(JSONError) -> Int? {
        let value: Int? = try readIfPresent(name)
        return value.flatMap { $0 < 0 ? nil : $0 }
    }
}
