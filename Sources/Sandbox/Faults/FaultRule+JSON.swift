package import HTTPKit
import World

/// The form in which `POST /sandbox/faults` takes a rule and `GET` shows it:
///
///     {"service": "compute", "method": "POST", "path": "/v2.1/servers", "skip": 1, "count": 2,
///      "when": "after", "status": 503, "retry_after": 2, "body": {"error": "busy"}, "delay": 0.5}
///
/// `when`: `before` the request takes effect (then it never does) or `after`. Without it: `before` where a status, a
/// reset, a close or a stall is asked for, else `after`. `wire`: `reset`, `close`, `stall`, `close-delimited`,
/// `truncate` (with `keep`, bytes). `match` is a regular expression for path and query.
extension FaultRule {
    private enum When: String, CaseIterable { case before, after }
    private enum WireName: String, CaseIterable {
        case reset, close, stall
        case truncate
        case closeDelimited = "close-delimited"
    }

    /// - Throws: `SandboxMistake` naming the member that is wrong.
    package init(json: JSONValue) throws(SandboxMistake) {
        var fields = try JSONFields(json, of: "fault")
        self.init(takesEffect: false)
        service = try fields.choice("service")
        if let text = try fields.text("method") {
            guard let method = HTTPMethod(rawValue: text.uppercased()) else {
                throw fields.wrong("method", "GET, PUT …")
            }
            self.method = method
        }
        path = try fields.text("path")
        pattern = try fields.text("match")
        if let pattern, (try? Regex(pattern)) == nil { throw fields.wrong("match", "a regular expression") }
        skip = try fields.integer("skip", in: 0...1_000_000) ?? 0
        count = try fields.integer("count", in: 1...1_000_000)
        probability = try fields.fraction("probability") ?? 1
        delay = try fields.duration("delay") ?? .zero
        status = try fields.integer("status", in: 100...999)
        try readHeaders(&fields)
        switch fields.take("body") {
        case nil: break
        case .string(let text)?: body = Array(text.utf8)
        case let value?:
            body = value.bytes
            if headers["Content-Type"] == nil { headers["Content-Type"] = "application/json" }
        }
        let wireName: WireName? = try fields.choice("wire")
        let keep = try fields.integer("keep", in: 0...1_000_000)
        switch wireName {
        case nil: wire = .sound
        case .reset?: wire = .reset
        case .close?: wire = .close
        case .stall?: wire = .stall
        case .closeDelimited?: wire = .closeDelimited
        case .truncate?: wire = .truncated(keep: keep ?? 1)
        }
        if keep != nil, wireName != .truncate { throw SandboxMistake("fault: keep belongs to \"wire\": \"truncate\"") }
        let needsNoService = status != nil || wireName == .reset || wireName == .close || wireName == .stall
        takesEffect = try (fields.choice("when") ?? (needsNoService ? When.before : .after)) == .after
        try fields.end()
        if !needsNoService, !takesEffect {
            throw SandboxMistake("fault: \"when\": \"before\" needs a status, or a wire that sends no answer")
        }
        if wire == .sound, status == nil, body == nil, headers.fields.isEmpty, delay == .zero {
            throw SandboxMistake("fault: nothing goes wrong: give status, body, headers, delay or wire")
        }
    }

    private mutating func readHeaders(_ fields: inout JSONFields) throws(SandboxMistake) {
        if let given = fields.take("headers") {
            guard let members = given.object else { throw fields.wrong("headers", "an object of strings") }
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                guard let text = value.string else { throw fields.wrong("headers", "an object of strings") }
                headers[name] = text
            }
        }
        if let seconds = try fields.integer("retry_after", in: 0...86_400) { headers["Retry-After"] = String(seconds) }
    }

    package var json: JSONValue {
        var members: JSONObject = ["when": takesEffect ? "after" : "before"]
        members["service"] = service.map { .string($0.rawValue) }
        members["method"] = method.map { .string($0.rawValue) }
        members["path"] = path.map { .string($0) }
        members["match"] = pattern.map { .string($0) }
        if skip > 0 { members["skip"] = .integer(skip) }
        members["count"] = count.map { .integer($0) }
        if probability < 1 { members["probability"] = .number(probability) }
        if delay > .zero { members["delay"] = .number(delay.seconds) }
        members["status"] = status.map { .integer($0) }
        if !headers.fields.isEmpty {
            members["headers"] = .object(JSONObject(headers.fields.map { ($0.name, .string($0.value)) }))
        }
        members["body"] = body.map { .string(String(decoding: $0, as: UTF8.self)) }
        switch wire {
        case .sound: break
        case .reset: members["wire"] = "reset"
        case .close: members["wire"] = "close"
        case .stall: members["wire"] = "stall"
        case .closeDelimited: members["wire"] = "close-delimited"
        case .truncated(let keep):
            members["wire"] = "truncate"
            members["keep"] = .integer(keep)
        }
        return .object(members)
    }
}
