package import World

/// `Sun, 22 Nov 2026 15:22:55 GMT` (RFC 9110 section 5.6.7).
package enum HTTPDate {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    package static func text(_ time: Timestamp) -> String {
        // `description` is always YYYY-MM-DDTHH:MM:SS[.ffffff]Z for the years that a Sandbox sees.
        let digits = Array(time.description.utf8.prefix(19))
        func part(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
        let month = Int(part(5..<7)) ?? 1
        let days = time.microseconds >= 0 ? time.microseconds / 86_400_000_000 : 0
        return "\(weekdays[Int(days % 7)]), \(part(8..<10)) \(months[month - 1]) \(part(0..<4)) "
            + "\(part(11..<19)) GMT"
    }

    /// `22-Nov-2026 15:27:32.421`, as BIND's programs write it.
    static func log(_ time: Timestamp) -> String {
        let text = Array(text(time))
        let milliseconds = String(1_000 + time.microseconds / 1_000 % 1_000).dropFirst()
        return "\(String(text[5..<7]))-\(String(text[8..<11]))-\(String(text[12..<25])).\(milliseconds)"
    }
}
