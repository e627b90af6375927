import HTTPKit
package import Logging
package import World

/// How log lines look.
package enum LogFormat: String, Sendable, Hashable, CaseIterable {
    /// For people: `15:42:54.123 info  ovh001 create-server: server created  id=…`.
    case text
    /// One JSON object a line, keys sorted.
    case json
}

/// One log line before it is formatted.
package struct LogLine: Sendable {
    package var at: Timestamp
    package var level: Logger.Level
    package var message: String
    /// In the order in which they are to be shown.
    package var metadata: [(key: String, value: String)]

    package init(at: Timestamp, level: Logger.Level, message: String, metadata: [(key: String, value: String)]) {
        self.at = at
        self.level = level
        self.message = message
        self.metadata = metadata
    }

    package func formatted(_ format: LogFormat) -> String {
        switch format {
        case .text: text
        case .json: json
        }
    }

    /// How many bytes of a message and of a value are written: what services and job bodies say may be of any length.
    private static let messageLimit = 2_000
    private static let valueLimit = 200

    private var text: String {
        let words = Self.cut(message, Self.messageLimit).unicodeScalars.map { $0.isTerminalControl ? " " : $0 }
        var line = "\(at) \(level.rawValue.padded(to: 7)) \(String(String.UnicodeScalarView(words)))"
        for (key, value) in metadata where !value.isEmpty {
            let value = Self.cut(value, Self.valueLimit)
            let isPlain = value.unicodeScalars.allSatisfy {
                $0 != " " && $0 != "\"" && $0 != "=" && !$0.isTerminalControl
            }
            line += " \(key)=\(isPlain ? value : JSONValue.string(value).text)"
        }
        return line
    }

    private var json: String {
        let own: JSONObject = [
            "level": .string(level.rawValue), "message": .string(Self.cut(message, Self.messageLimit)),
            "time": .string(at.description),
        ]
        var members = own
        for (key, value) in metadata where !value.isEmpty {
            members[own[key] == nil ? key : "\(key)_"] = .string(Self.cut(value, Self.valueLimit))
        }
        return JSONValue.object(members).text
    }

    /// The beginning of a text, with a sign that there was more.
    private static func cut(_ text: String, _ limit: Int) -> String {
        var left = limit
        for index in text.unicodeScalars.indices {
            let scalar = text.unicodeScalars[index]
            // As long as JSON has it.
            left -= scalar.isTerminalControl ? 6 : scalar == "\"" || scalar == "\\" ? 2 : UTF8.width(scalar)
            if left < 0 { return text[..<index] + "…" }
        }
        return text
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
