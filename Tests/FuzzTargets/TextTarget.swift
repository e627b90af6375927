import Beanstalk
import HTTPKit
import Jobs
import Lab
import Resilience
import World
import YAMLKit

/// The small readers: times, durations, addresses, names, URLs.
enum TextTarget {
    static func check(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self)
        try checkTimes(text)
        try checkNames(text)
        try checkURLs(text)
        if let address = IPAddress(text) {
            try require(IPAddress(address.description) == address, "\(text) is \(address), which is another address")
        }
        try checkBytes(input)
    }

    private static func checkTimes(_ text: String) throws {
        if let time = Timestamp(parsing: text) {
            try require(Timestamp(parsing: time.description) == time, "\(text) is \(time), which is another time")
        }
        if let duration = DurationText.parse(text) {
            try require(duration >= .zero, "\(text) is below zero")
            let written = DurationText.write(duration)
            try require(
                DurationText.parse(written)?.nanoseconds == duration.nanoseconds / 1_000_000 * 1_000_000,
                "\(text) is written \(written)")
            _ = duration.short
        }
        let now = Timestamp(seconds: 1_767_225_600)
        for date in [nil, "Sun, 22 Nov 2026 15:42:54 GMT"] {
            var headers: HTTPHeaders = ["Retry-After": text]
            if let date { headers["Date"] = date }
            guard let delay = RetryAfter.delay(in: headers, now: now) else { continue }
            try require(delay >= .zero, "Retry-After: \(text) is below zero")
            _ = (delay.short, Moment(nanoseconds: 1) + delay, now + delay)
        }
        if let date = RetryAfter.date(text) { _ = (date.description, date - now) }
    }

    private static func checkNames(_ text: String) throws {
        do {
            let node = try NodeName(text, domain: "front.lab.test")
            try require(ShortName.isValid(node.short), "the node name \(node.short) may not be sent")
        } catch let error as NodeName.Malformed {
            try requireOneLine(error.description)
        }
        do {
            let tube = try TubeName(text)
            try require(Command.use(tube).bytes.count == tube.text.utf8.count + 6, "a tube name that breaks a command")
        } catch let error as InvalidTubeName {
            try requireOneLine(error.description)
        }
        if let name = DNSName(text) {
            let query = DNSMessage.query(id: 1, name: name, type: .a)
            try require(try DNSMessage(parsing: query).questions.map(\.name) == [name], "asked for another name")
        }
        do {
            _ = try ShortName(text)
        } catch {
            try requireOneLine(error.description)
        }
    }

    private static func checkURLs(_ text: String) throws {
        try require(URLText.unescape(URLText.escape(text)) == text, "escaped: \(URLText.escape(text))")
        let items = URLText.items(of: text)
        let again = URLText.items(of: URLText.query(items.map { ($0.name, $0.value) }))
        try require(
            again.map(\.name) == items.map(\.name) && again.map(\.value) == items.map(\.value), "a query: \(items)")
        let target = URLText.target(of: text)
        try require(target.path.utf8.count + target.query.utf8.count <= text.utf8.count + 1, "\(target)")
        _ = URLText.origin(of: text)
    }

    private static func checkBytes(_ input: [UInt8]) throws {
        try require(Base64.encode(input).utf8.count == (input.count + 2) / 3 * 4, "base64")
        try require(SHA256.hex(of: input).utf8.count == 64, "a digest")
    }
}
