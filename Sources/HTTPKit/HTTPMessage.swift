package enum HTTPMethod: String, Sendable, Hashable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"

    /// Methods that ask and change nothing (RFC 9110 section 9.2.1).
    package var isSafe: Bool { self == .get || self == .head || self == .options }
}

/// One request, complete before it is sent.
package struct HTTPRequest: Sendable, Hashable {
    package var method: HTTPMethod
    /// Absolute: `http://host:port/path?query`.
    package var url: String
    package var headers: HTTPHeaders
    package var body: [UInt8]
    /// From start to the last byte of the answer.
    package var timeout: Duration
    /// How much of an answer is kept; a longer one fails with `.answerTooLarge`. Few answers have more than some KiB.
    package var maximumAnswer: Int
    /// Texts of this request that may be shown nowhere: tokens, passwords. See `withoutSecrets`.
    package var secrets: [String] = []
    /// Verify the server's certificate. Only a provider's explicit `insecure` turns it off.
    package var verifyTLS: Bool
    /// PEM bundle to trust instead of the system's.
    package var certificateAuthority: String?

    package init(
        _ method: HTTPMethod, _ url: String, headers: HTTPHeaders = [:], body: [UInt8] = [],
        timeout: Duration = .seconds(60), maximumAnswer: Int = 1 << 20, verifyTLS: Bool = true,
        certificateAuthority: String? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maximumAnswer = maximumAnswer
        self.verifyTLS = verifyTLS
        self.certificateAuthority = certificateAuthority
    }
}

package struct HTTPResponse: Sendable, Hashable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: [UInt8]

    package init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// 2xx.
    package var isSuccess: Bool { (200..<300).contains(status) }
    /// Where a redirection leads, without a query.
    package var location: String? {
        headers["Location"].map { AnswerText.shortened(String($0.prefix { $0 != "?" && $0 != "#" })) }
    }
    /// What to say of a redirection; none is followed.
    package var redirection: String { location.map { "redirected to \($0)" } ?? "redirected" }
    /// The body as text, for messages; not every answer is UTF-8 or JSON.
    package var text: String { String(decoding: body, as: UTF8.self) }
}
