import HTTPKit
import World

extension JSONValue {
    /// A point in time; nil also when it is written in a way that we do not know: nothing rests on it alone.
    func readTime(_ name: String) throws(JSONError) -> Timestamp? {
        let text: String? = try readIfPresent(name)
        return text.flatMap { Timestamp(parsing: $0) }
    }
}
