/// Services and their debug pages repeat requests in their errors: what of a request is secret must not get into a log,
/// a reply or a report that way.
extension HTTPRequest {
    package static let hidden = "(hidden)"

    /// The answer without this request's secrets, in whichever form they stand there, whole or cut.
    package func withoutSecrets(_ response: HTTPResponse) -> HTTPResponse {
        // Shorter ones would hide half of every text, and are none.
        let forms = Set(secrets.filter { $0.utf8.count >= 4 }.flatMap(Self.forms)).sorted {
            ($0.utf8.count, $0) > ($1.utf8.count, $1)
        }
        guard !forms.isEmpty else { return response }
        var response = response
        for form in forms.map({ Array($0.utf8) }) {
            response.body = Self.hiding(form, in: response.body)
            response.headers = HTTPHeaders(
                response.headers.fields.map { field in
                    HTTPHeaders.Field(
                        name: field.name,
                        value: String(decoding: Self.hiding(form, in: Array(field.value.utf8)), as: UTF8.self))
                })
        }
        return response
    }

    /// As it is, in JSON, in a URL or a form, in HTML, in Python's `repr`, in base64.
    private static func forms(_ secret: String) -> [String] {
        let json = String(JSONValue.string(secret).text.dropFirst().dropLast())
        let ascii = json.unicodeScalars.map { scalar in
            scalar.isASCII ? String(scalar) : String(scalar).utf16.map(unicodeEscape).joined()
        }.joined()
        let url = URLText.escape(secret)
        let form = url.replacing("%20", with: "+")
        let html = secret.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        return [
            secret, json, json.replacing("/", with: "\\/"), ascii, ascii.replacing("/", with: "\\/"),
            url, form, lowercasedEscapes(url), lowercasedEscapes(form),
            html, html.replacing("\"", with: "&quot;").replacing("'", with: "&#39;"),
            html.replacing("\"", with: "&#34;").replacing("'", with: "&#x27;"),
            secret.replacing("\\", with: "\\\\").replacing("'", with: "\\'"), Base64.encode(secret.utf8),
        ]
    }

    private static func unicodeEscape(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }

    /// `%2F` as `%2f`.
    private static func lowercasedEscapes(_ text: String) -> String {
        text.split(separator: "%", omittingEmptySubsequences: false).enumerated().map { index, part in
            index == 0 ? String(part) : "%" + part.prefix(2).lowercased() + part.dropFirst(2)
        }.joined()
    }

    /// A long text is found by its first bytes: what repeats it may have cut it.
    private static func hiding(_ secret: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        let anchor = secret.prefix(secret.count >= 32 ? 16 : secret.count)
        var out: [UInt8] = []
        var rest = bytes[...]
        while let first = anchor.first, let start = rest.firstIndex(of: first) {
            guard rest[start...].starts(with: anchor) else {
                out += rest[...start]
                rest = rest[(start + 1)...]
                continue
            }
            let count = zip(rest[start...], secret).prefix { $0 == $1 }.count
            out += rest[..<start]
            out += hidden.utf8
            rest = rest[(start + count)...]
        }
        return out + rest
    }
}
