/// Durations as people write them into configuration: a number of seconds, or numbers with units.
package enum DurationText {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ms", 1_000_000), ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
        ("s", 1_000_000_000),
    ]

    /// - Returns: nil for anything else than `90`, `1.5`, `90s`, `500ms`, `1h30m`, `2d`, and for what exceeds 292 years.
    package static func parse(_ text: String) -> Duration? {
        if let seconds = ScalarType.integer(text) { return seconds < 0 ? nil : scaled(String(seconds), 1_000_000_000) }
        var rest = Substring(text)
        if rest.allSatisfy({ isDigit($0) || $0 == "." }) { return scaled(rest, 1_000_000_000) }
        var total = Duration.zero
        repeat {
            let number = rest.prefix { isDigit($0) || $0 == "." }
            rest = rest.dropFirst(number.count)
            guard let unit = units.first(where: { rest.hasPrefix($0.name) }),
                let part = scaled(number, unit.nanoseconds)
            else { return nil }
            rest = rest.dropFirst(unit.name.count)
            total += part
        } while !rest.isEmpty
        return total <= .nanoseconds(Int64.max) ? total : nil
    }

    /// The shortest form that `parse` reads back to the same value, to the millisecond.
    package static func write(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        var rest = seconds
        var out = ""
        for (unit, size) in [("d", Int64(86_400)), ("h", 3_600), ("m", 60), ("s", 1)] where rest >= size {
            out += "\(rest / size)\(unit)"
            rest %= size
        }
        if milliseconds != 0 { out += "\(milliseconds)ms" }
        return out.isEmpty ? "0s" : out
    }

    private static func scaled(_ number: some StringProtocol, _ unit: Int64) -> Duration? {
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = Int64(parts[0]), whole >= 0 else { return nil }
        let (nanoseconds, overflow) = whole.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        guard parts.count == 2 else { return .nanoseconds(nanoseconds) }
        guard !parts[1].isEmpty, parts[1].count <= 9, parts[1].allSatisfy(isDigit),
            let fraction = Double("0." + parts[1])
        else { return nil }
        return .nanoseconds(nanoseconds) + .nanoseconds(Int64((fraction * Double(unit)).rounded()))
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }
}
