package import HTTPKit
package import World

/// The Retry-After header (RFC 9110 section 10.2.3): seconds or an HTTP date.
package enum RetryAfter {
    /// How long the service asks us to wait; nil when it does not say, or says something unreadable. A date is measured
    /// against the answer's own Date where there is one: only the service's clock counts.
    package static func delay(in headers: HTTPHeaders, now: Timestamp) -> Duration? {
        guard let text = headers["Retry-After"].map(trimmed), !text.isEmpty else { return nil }
        if let seconds = Int64(text) { return .seconds(max(0, seconds)) }
        if let seconds = Double(text), seconds.isFinite, seconds < 1e9 { return .seconds(max(0, seconds)) }
        guard let date = date(text) else { return nil }
        return max(.zero, date - (headers["Date"].flatMap { self.date(trimmed($0)) } ?? now))
    }

    /// `Sun, 22 Nov 2026 15:42:54 GMT` (IMF-fixdate, RFC 9110 section 5.6.7).
    package static func date(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: String(parts[2])) else {
            return nil
        }
        func two(_ text: some StringProtocol) -> String { text.count < 2 ? "0\(text)" : String(text) }
        return Timestamp(parsing: "\(parts[3])-\(two(String(month + 1)))-\(two(parts[1]))T\(parts[4])Z")
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func trimmed(_ text: String) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
