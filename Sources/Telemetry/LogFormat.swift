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

    private var text: String {
        var line = "\(at) \(level.rawValue.padded(to: 7)) \(Self.oneLine(message))"
        for (key, value) in metadata where !value.isEmpty {
            let isPlain = value.unicodeScalars.allSatisfy { $0 != " " && $0 != "\"" && $0 != "=" && !$0.breaksLines }
            line += " \(key)=\(isPlain ? value : Self.quoted(value))"
        }
        return line
    }

    private var json: String {
        var members = [("level", level.rawValue), ("message", message), ("time", at.description)]
        let own = members.map(\.0)
        for (key, value) in metadata where !value.isEmpty {
            members.append((own.contains(key) ? "\(key)_" : key, value))
        }
        members.sort { $0.0 < $1.0 }
        return "{" + members.map { "\(Self.quoted($0.0)):\(Self.quoted($0.1))" }.joined(separator: ",") + "}"
    }

    /// A log line is one line, whatever a service answered.
    private static func oneLine(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            if scalar.breaksLines { out += " " } else { out.unicodeScalars.append(scalar) }
        }
        return out
    }

    /// A JSON string (RFC 8259 section 7).
    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default:
                if scalar.breaksLines {
                    let digits = String(scalar.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}

extension Unicode.Scalar {
    /// Control characters, C1 and the separators of Unicode included: terminals and readers of lines act on them.
    fileprivate var breaksLines: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
