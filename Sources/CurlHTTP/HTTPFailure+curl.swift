import CCurlShim
import HTTPKit

extension HTTPFailure.Reason {
    /// - Parameters:
    ///   - wasSent: a connection stood and the request was about to be sent, or was.
    ///   - wasResolved: the host has an address.
    ///   - detail: what libcurl says, where the code alone does not tell.
    init(_ code: CURLcode, wasSent: Bool, wasResolved: Bool, detail: String) {
        self =
            switch code {
            case CURLE_URL_MALFORMAT: .badRequest
            // Also what libcurl says of an answer of a version that it does not know.
            case CURLE_UNSUPPORTED_PROTOCOL: wasSent ? .malformed : .badRequest
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
            case CURLE_COULDNT_CONNECT: .connect
            case CURLE_OPERATION_TIMEDOUT: wasSent ? .timeout : wasResolved ? .connect : .resolve
            case CURLE_SSL_CONNECT_ERROR where Self.isClearText(detail): .notTLS
            case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
                CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_USE_SSL_FAILED,
                CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED,
                CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_CRL_BADFILE, CURLE_SSL_CLIENTCERT:
                .tls
            case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_HTTP2, CURLE_HTTP2_STREAM: .malformed
            default: wasSent ? .reset : .connect
            }
    }

    /// OpenSSL's words, of versions 1.1 to 3.5, and GnuTLS's for bytes that are none of TLS.
    private static func isClearText(_ detail: String) -> Bool {
        ["wrong version number", "packet length too long", "record overflow", "unexpected TLS packet"]
            .contains { detail.contains($0) }
    }
}

extension HTTPRequest {
    /// `GET http://host/path`: without what may be secret, the query and the user before the host.
    var label: String {
        guard let origin = safeOrigin else { return "\(method.rawValue) (not a URL)" }
        return "\(method.rawValue) \(origin)\(URLText.target(of: url).path)"
    }

    /// `scheme://host:port` without a user.
    var safeOrigin: String? {
        guard let origin = URLText.origin(of: url), let start = origin.firstRange(of: "://")?.upperBound else {
            return nil
        }
        guard let at = origin[start...].lastIndex(of: "@") else { return origin }
        return String(origin[..<start] + origin[origin.index(after: at)...])
    }

    func failure(_ reason: HTTPFailure.Reason, _ detail: String, mayHaveArrived: Bool = false) -> HTTPFailure {
        HTTPFailure(reason: reason, request: label, detail: detail, mayHaveArrived: mayHaveArrived)
    }
}
