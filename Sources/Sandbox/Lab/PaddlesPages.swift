import HTTPKit
import World

/// paddles' answers as gunicorn, pecan and webob dress them: which headers, in which order, is recorded.
enum PaddlesPages {
    private static func headers(at now: Timestamp, _ rest: [(String, String)]) -> HTTPHeaders {
        var headers: HTTPHeaders = [
            "Server": "gunicorn/20.0.4", "Date": HTTPDate.text(now), "Connection": "close",
        ]
        for (name, value) in rest { headers.add(name, value) }
        return headers
    }

    private static let crossOrigin = [
        ("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", "GET, OPTIONS"),
        ("Access-Control-Allow-Headers", "origin, authorization, accept"),
    ]

    static func json(_ body: PythonJSON, status: Int = 200, at now: Timestamp) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: headers(at: now, [("Content-Type", "application/json")] + crossOrigin),
            body: body.bytes)
    }

    /// gunicorn's own page: no Server, no Date, no cross-origin headers.
    static var crash: HTTPResponse {
        let page = """
            <html>
              <head>
                <title>Internal Server Error</title>
              </head>
              <body>
                <h1><p>Internal Server Error</p></h1>
            \("    ")
              </body>
            </html>

            """
        return HTTPResponse(
            status: 500, headers: ["Connection": "close", "Content-Type": "text/html"], body: Array(page.utf8))
    }

    static func notFound(at now: Timestamp) -> HTTPResponse {
        page(404, "404 Not Found", "The resource could not be found.<br /><br />\n\n", at: now)
    }

    static func badRequest(at now: Timestamp) -> HTTPResponse {
        page(
            400, "400 Bad Request",
            "The server could not comply with the request since it is either malformed or otherwise incorrect."
                + "<br /><br />\n\n", at: now)
    }

    /// pecan adds the slash and keeps the query; followed by an ordinary client, a PUT becomes a GET (facts 1.2).
    static func redirect(to location: String, at now: Timestamp) -> HTTPResponse {
        let text =
            "The resource was found at <a href=\"\(location)\">\(location)</a>;\n"
            + "you should be redirected automatically.\n"
        return page(302, "302 Found", text, [("Location", location)], at: now)
    }

    /// An error controller's answer. The text travels there unescaped in a query string, so `&` and `;` in it reshape
    /// it, and a broken escape ends in webob's 400 page (facts 1.9).
    static func refusal(_ status: Int, _ message: String, at now: Timestamp) -> HTTPResponse {
        var messages: [PythonJSON] = []
        let items = "error_message=\(message)".split(whereSeparator: { $0 == "&" || $0 == ";" })
        for item in items {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            guard let value = unescapedUTF8(String(parts[1])) else { return badRequest(at: now) }
            if parts[0] == "error_message" { messages.append(.string(value)) }
        }
        let body: PythonJSON = messages.count == 1 ? messages[0] : .array(messages)
        return json(.object([("message", body)]), status: status, at: now)
    }

    private static func unescapedUTF8(_ text: String) -> String? {
        var bytes: [UInt8] = []
        let source = Array(text.utf8)
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let byte = UInt8(String(decoding: source[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
                index += 3
            } else {
                bytes.append(source[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : source[index])
                index += 1
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func page(
        _ status: Int, _ title: String, _ text: String, _ extra: [(String, String)] = [], at now: Timestamp
    ) -> HTTPResponse {
        let page = """
            <html>
             <head>
              <title>\(title)</title>
             </head>
             <body>
              <h1>\(title)</h1>
              \(text)

             </body>
            </html>
            """
        return HTTPResponse(
            status: status,
            headers: headers(at: now, crossOrigin + extra + [("Content-Type", "text/html; charset=UTF-8")]),
            body: Array(page.utf8))
    }
}
