/// A point of calendar time, UTC, in microseconds since 1970: what is written down and compared between hosts.
package struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var microseconds: Int64

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Clamped to what 64 bits of microseconds hold, 292,000 years each way: the number may be anybody's.
    package init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        microseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }
    package static func + (a: Timestamp, b: Duration) -> Timestamp {
        let (sum, overflow) = a.microseconds.addingReportingOverflow(b.nanoseconds / 1_000)
        return Timestamp(microseconds: overflow ? (b < .zero ? .min : .max) : sum)
    }
    package static func - (a: Timestamp, b: Duration) -> Timestamp { a + (.zero - b) }
    package static func - (a: Timestamp, b: Timestamp) -> Duration {
        let (difference, overflow) = a.microseconds.subtractingReportingOverflow(b.microseconds)
        return .microseconds(overflow ? (a > b ? .max : .min) : difference)
    }

    /// `2026-11-22T15:42:54Z`, with microseconds only where there are some.
    package var description: String {
        let fraction = Self.floorMod(microseconds, 1_000_000)
        let whole = Self.floorDiv(microseconds, 1_000_000)
        let (year, month, day) = Self.civil(fromDays: Self.floorDiv(whole, 86_400))
        let second = Self.floorMod(whole, 86_400)
        var text: [UInt8] = []
        text.reserveCapacity(27)
        Self.write(year, 4, "-", into: &text)
        Self.write(month, 2, "-", into: &text)
        Self.write(day, 2, "T", into: &text)
        Self.write(second / 3_600, 2, ":", into: &text)
        Self.write(second / 60 % 60, 2, ":", into: &text)
        Self.write(second % 60, 2, fraction == 0 ? "Z" : ".", into: &text)
        if fraction != 0 { Self.write(fraction, 6, "Z", into: &text) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads what OpenStack, paddles and YAML write: `T` or a space between date and time, any number of fraction
    /// digits or none, `Z`, an offset or no zone at all (which means UTC), or a date alone. Nil also for a time that an
    /// offset moves out of the years 0000 to 9999, which is all that `description` can write for others to read.
    package init?(parsing text: some StringProtocol) {
        var text = String(text)
        guard let microseconds = text.withUTF8(Self.read) else { return nil }
        self.microseconds = microseconds
    }

    /// Not generic: lists of servers are full of times.
    private static func read(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        var index = 0
        var next: UInt8? { index < bytes.count ? bytes[index] : nil }
        func digit() -> Int64? {
            guard let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            index += 1
            return Int64(byte - UInt8(ascii: "0"))
        }
        func number(_ digits: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<digits {
                guard let digit = digit() else { return nil }
                value = value * 10 + digit
            }
            return value
        }
        func skip(_ characters: String) -> UInt8? {
            guard let byte = next, characters.utf8.contains(byte) else { return nil }
            index += 1
            return byte
        }
        guard let year = number(4), skip("-") != nil, let month = number(2), skip("-") != nil, let day = number(2),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var micros = days(year: year, month: month, day: day) * 86_400_000_000
        if next == nil { return micros }
        guard skip("Tt ") != nil, let hour = number(2), skip(":") != nil, let minute = number(2), hour < 25,
            minute < 60
        else { return nil }
        micros += (hour * 3_600 + minute * 60) * 1_000_000
        if skip(":") != nil {
            guard let second = number(2), second < 62 else { return nil }
            micros += second * 1_000_000
            if skip(".,") != nil {
                guard var fraction = digit() else { return nil }
                for _ in 1..<6 { fraction = fraction * 10 + (digit() ?? 0) }
                while digit() != nil {}
                micros += fraction
            }
        }
        while skip(" ") != nil {}
        if next == nil || skip("Zz") != nil { return next == nil ? micros : nil }
        guard let sign = skip("+-"), let offsetHour = number(2) else { return nil }
        _ = skip(":")
        guard let offsetMinute = next == nil ? 0 : number(2), next == nil else { return nil }
        let offset = (offsetHour * 3_600 + offsetMinute * 60) * 1_000_000
        micros += sign == UInt8(ascii: "+") ? -offset : offset
        return (first..<end).contains(micros) ? micros : nil
    }

    /// The years 0000 to 9999.
    private static let first = days(year: 0, month: 1, day: 1) * 86_400_000_000
    private static let end = days(year: 10_000, month: 1, day: 1) * 86_400_000_000

    /// As digits of at least that width, and what follows them. Logs and answers are full of times.
    private static func write(_ value: Int64, _ width: Int, _ mark: Unicode.Scalar, into text: inout [UInt8]) {
        if value < 0 || width == 4 && value > 9_999 {
            text += String(value).utf8
        } else {
            var unit: Int64 = 1
            for _ in 1..<width { unit *= 10 }
            while unit > 0 {
                text.append(UInt8(ascii: "0") + UInt8(value / unit % 10))
                unit /= 10
            }
        }
        text.append(UInt8(truncatingIfNeeded: mark.value))
    }

    private static func floorDiv(_ a: Int64, _ b: Int64) -> Int64 { a % b < 0 ? a / b - 1 : a / b }
    private static func floorMod(_ a: Int64, _ b: Int64) -> Int64 { a % b < 0 ? a % b + b : a % b }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that the leap day is last.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = floorDiv(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = floorDiv(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
