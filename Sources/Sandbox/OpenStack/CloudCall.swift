import HTTPKit
import World

/// One request, taken apart.
struct CloudCall: Sendable {
    let service: CloudService
    let method: HTTPMethod
    /// The parts of the path, unescaped.
    let path: [String]
    let rawPath: String
    let rawQuery: String
    let headers: HTTPHeaders
    let body: [UInt8]
    let now: Timestamp
    let requestID: String
    /// Set once it is known; the answer's headers name it.
    var version: Microversion?

    init(_ service: CloudService, _ request: HTTPRequest, at now: Timestamp, id: String) {
        self.service = service
        method = request.method
        (rawPath, rawQuery) = URLText.target(of: request.url)
        path = rawPath.utf8.split(separator: UInt8(ascii: "/")).map { part in
            part.contains(UInt8(ascii: "%")) ? URLText.unescape(Substring(part)) : String(Substring(part))
        }
        headers = request.headers
        body = request.body
        self.now = now
        requestID = id
    }

    var query: [(name: String, value: String)] { rawQuery.isEmpty ? [] : URLText.items(of: rawQuery) }

    /// - Throws: `CloudFault` 400 as the service says it when the body is not JSON.
    func json(orElse message: String) throws(CloudFault) -> JSONValue {
        do {
            return try JSONValue(parsing: body)
        } catch {
            throw .api(400, message)
        }
    }
}

/// `2.61`: a version of Nova's or Cinder's API.
struct Microversion: Sendable, Hashable, Comparable, CustomStringConvertible {
    var major: Int
    var minor: Int

    init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), major > 0, minor >= 0 else {
            return nil
        }
        self.init(major, minor)
    }

    static func < (a: Microversion, b: Microversion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }

    var description: String { "\(major).\(minor)" }
}
