import Glibc
import HTTPKit
import World

/// One of the recordings of the real services, cut down from facts/lab-recordings: what was sent, what came back.
struct Recording {
    struct Exchange {
        /// The comment lines before it.
        var labels: [String] = []
        var request: [String] = []
        var answer: [String] = []
        /// `dig NAME TYPE -> STATUS [records]` lines after it.
        var looks: [String] = []
    }

    private(set) var exchanges: [Exchange] = []

    /// - Parameter name: a file in `Tests/Recordings/Lab`, outside of every target: they are read from the sources.
    init(_ name: String) throws {
        let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        var current = Exchange()
        for line in try Self.lines(of: "/\(tests)/Recordings/Lab/\(name)") {
            if line.hasPrefix("## ") || line.hasPrefix("> ") && !current.answer.isEmpty || line.hasPrefix("## ==="),
                !current.answer.isEmpty || !current.looks.isEmpty
            {
                exchanges.append(current)
                current = Exchange()
            }
            if line.hasPrefix("## ") { current.labels.append(String(line.dropFirst(3))) }
            if line.hasPrefix(">") { current.request.append(String(line.dropFirst(2))) }
            if line.hasPrefix("<") { current.answer.append(String(line.dropFirst(2))) }
            if line.hasPrefix("$ ") { current.looks.append(String(line.dropFirst(2))) }
        }
        exchanges.append(current)
    }

    private struct Unreadable: Error { var path: String }

    private static func lines(of path: String) throws -> [Substring] {
        guard let file = fopen(path, "r") else { throw Unreadable(path: path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }
}

extension Recording.Exchange {
    /// The request as a server hands it on; nil for what is no HTTP/1 request.
    var sent: HTTPRequest? {
        guard let line = request.first?.split(separator: " "), line.count == 3,
            let method = HTTPMethod(rawValue: String(line[0]))
        else { return nil }
        let end = request.firstIndex(of: "") ?? request.endIndex
        var headers: HTTPHeaders = ["Host": "127.0.0.1:18080"]
        for field in request[1..<end] {
            let parts = field.split(separator: ":", maxSplits: 1)
            headers[String(parts[0])] = String(parts[1].drop { $0 == " " })
        }
        var body = request[end...].dropFirst()
        // The recorded chunk is one line between its length and the last chunk.
        if headers["Transfer-Encoding"] != nil { body = body.dropFirst().prefix(1) }
        return HTTPRequest(
            method, String(line[1]), headers: headers, body: Array(body.joined(separator: "\n").utf8))
    }

    var status: Int? { (answer.first?.split(separator: " ").dropFirst().first).flatMap { Int($0) } }

    private var end: Int { answer.firstIndex(of: "") ?? answer.endIndex }

    /// Names and values in order, without Date and Content-Length.
    var headers: [String] {
        answer[1..<end].flatMap { line -> [String] in
            switch line {
            case "= json":
                ["Server: gunicorn/20.0.4", "Connection: close", "Content-Type: application/json"] + Self.crossOrigin
            case "= crash": ["Connection: close", "Content-Type: text/html"]
            case "= plain": ["Server: BaseHTTP/0.6 Python/3.11.7"]
            default: [line]
            }
        }
    }

    private static let crossOrigin = [
        "Access-Control-Allow-Origin: *", "Access-Control-Allow-Methods: GET, OPTIONS",
        "Access-Control-Allow-Headers: origin, authorization, accept",
    ]

    var body: String { answer[end...].dropFirst().joined(separator: "\n") }
}

extension HTTPResponse {
    /// Headers as the recordings keep them.
    var comparable: [String] {
        headers.fields.filter { $0.name != "Date" && $0.name != "Content-Length" }.map { "\($0.name): \($0.value)" }
    }
}

extension Timestamp {
    /// When the recordings were made.
    static let recorded = Timestamp(parsing: "2026-11-22T15:22:55.250000Z") ?? Timestamp(seconds: 0)
}
