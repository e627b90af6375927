/// A point on the boot-time clock (CLOCK_BOOTTIME: monotonic, counts suspension), in nanoseconds. Only differences
/// within one process mean anything.
package struct Moment: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static let distantFuture = Moment(nanoseconds: .max)

    package static func < (a: Moment, b: Moment) -> Bool { a.nanoseconds < b.nanoseconds }

    package static func + (moment: Moment, duration: Duration) -> Moment {
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return Moment(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    package static func - (moment: Moment, duration: Duration) -> Moment { moment + (.zero - duration) }

    package static func - (a: Moment, b: Moment) -> Duration {
        let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
        return .nanoseconds(overflow ? (a > b ? .max : .min) : difference)
    }

    package var description: String { "\(nanoseconds)ns" }
}

extension Duration {
    /// Whole nanoseconds, clamped to what 64 bits hold (292 years). Not through `components`, which traps beyond 64 bits
    /// of seconds: a broker whose clock was stepped tells such ages.
    package var nanoseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000) }

    package var seconds: Double { Double(nanoseconds) / 1e9 }

    /// `1.5s`, `340ms`, `2m10s`, `1h05m`: for people.
    package var short: String {
        let total = nanoseconds
        guard total >= 0 else { return "-" + (Duration.zero - self).short }
        if total < 1_000_000_000 { return "\(total / 1_000_000)ms" }
        if total < 60_000_000_000 {
            let tenths = total / 100_000_000
            return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s"
        }
        let whole = total / 1_000_000_000
        func padded(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        if whole < 3_600 { return "\(whole / 60)m\(padded(whole % 60))s" }
        return "\(whole / 3_600)h\(padded(whole % 3_600 / 60))m"
    }
}
