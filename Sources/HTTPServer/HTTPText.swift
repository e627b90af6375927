import HTTPKit
import NIOCore
import NIOHTTP1

/// Responses as bytes. Written here and not by NIO's encoder, because some of them must be wrong.
enum HTTPText {
    /// An ordinary response; its length is that of its body, whatever its headers say, except for HEAD.
    /// - Parameter keep: how much of the body is really sent.
    static func response(
        _ response: HTTPResponse, version: HTTPVersion, isHead: Bool, keep: Int? = nil
    ) -> ByteBuffer {
        var headers = response.headers
        headers["Transfer-Encoding"] = nil
        let isBodiless = response.status < 200 || response.status == 204 || response.status == 304
        if isBodiless {
            headers["Content-Length"] = nil
        } else if headers["Content-Length"] == nil || !isHead {
            headers["Content-Length"] = String(response.body.count)
        }
        var buffer = head(response.status, headers, version: version)
        if !isBodiless, !isHead { buffer.writeBytes(response.body.prefix(max(0, keep ?? .max))) }
        return buffer
    }

    /// HTTP/1.0 with only the headers given: the body ends with the connection.
    static func closeDelimited(_ response: HTTPResponse, isHead: Bool) -> ByteBuffer {
        var buffer = head(response.status, response.headers, version: .http1_0)
        if !isHead { buffer.writeBytes(response.body) }
        return buffer
    }

    private static func head(_ status: Int, _ headers: HTTPKit.HTTPHeaders, version: HTTPVersion) -> ByteBuffer {
        let phrase = HTTPResponseStatus(statusCode: status).reasonPhrase
        var text = "HTTP/\(version.major).\(version.minor) \(status) \(phrase)\r\n"
        for field in headers.fields { text += "\(clean(field.name)): \(clean(field.value))\r\n" }
        return ByteBuffer(string: text + "\r\n")
    }

    /// A line break in a header would end it early.
    private static func clean(_ text: String) -> String {
        let isBreak = { (scalar: UnicodeScalar) in scalar == "\r" || scalar == "\n" || scalar == "\0" }
        guard text.unicodeScalars.contains(where: isBreak) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.filter { !isBreak($0) }))
    }
}
