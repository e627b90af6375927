import CCurlShim
import EventLoop
import Glibc
import HTTPKit
import World

/// One request inside libcurl, and what has come back for it. libcurl calls it with unretained pointers, so that it has
/// to live until its handle was removed from the multi handle.
final class Transfer {
    /// More than this in header lines is no answer.
    private static let maximumHead = 1 << 20
    private static let connectTimeout = Duration.seconds(15)

    let easy: CurlEasy
    let answer = Promise<HTTPResponse>()
    private let request: HTTPRequest
    private let lines = CurlList()
    private var head = AnswerHead()
    private var body: [UInt8] = []
    private var sendCount = 0
    private var isTooLarge = false

    init(_ request: HTTPRequest, on easy: CurlEasy, userAgent: String) throws {
        self.request = request
        self.easy = easy
        easy.reset()
        try setTarget()
        try setMethod()
        try setLines(userAgent: userAgent)
        try setCallbacks()
    }

    /// Settles the answer.
    func finish(_ code: CURLcode) {
        if code == CURLE_OK {
            answer.succeed(HTTPResponse(status: head.status, headers: head.headers, body: body))
            return
        }
        let wasSent = sendCount > 0
        let failure: HTTPFailure
        if isTooLarge {
            failure = request.failure(
                .answerTooLarge, "the answer has more than \(request.maximumAnswer) bytes", mayHaveArrived: true)
        } else if sendCount > 1 {
            failure = request.failure(
                .reset, "the kept-alive connection ended before an answer, and the request may not be sent twice",
                mayHaveArrived: true)
        } else if !wasSent, Self.isOutOfDescriptors {
            // libcurl would say that nobody listens, or that the name has no address.
            failure = request.failure(.connect, "no descriptor is free: raise this process's limit of open files")
        } else {
            let detail = easy.describe(code)
            let reason = HTTPFailure.Reason(
                code, wasSent: wasSent, wasResolved: ccurl_resolve_time(easy.raw) > 0, detail: detail)
            failure = request.failure(reason, detail, mayHaveArrived: wasSent)
        }
        answer.fail(failure)
    }

    // MARK: Options

    private func setTarget() throws {
        try set(CURLOPT_URL, request.url)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_PATH_AS_IS, 1)
        // One request per connection at a time: a lost connection takes one answer with it, not a hundred.
        try set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        // An answer that is only a body exists for GET alone; elsewhere it is garbage.
        try set(CURLOPT_HTTP09_ALLOWED, request.method == .get ? 1 : 0)
        try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // Decodes what comes compressed, although nothing asks for it (`setLines`): some proxies do not wait for that.
        try set(CURLOPT_ACCEPT_ENCODING, "")
        // No signals for time-outs, and no waiting for a look-up that nobody wants any more: that would stop the loop.
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_QUICK_EXIT, 1)
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        try set(CURLOPT_TIMEOUT_MS, Self.milliseconds(request.timeout))
        try set(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(min(request.timeout, Self.connectTimeout)))
        try set(CURLOPT_SSL_VERIFYPEER, request.verifyTLS ? 1 : 0)
        try set(CURLOPT_SSL_VERIFYHOST, request.verifyTLS ? 2 : 0)
        if let bundle = request.certificateAuthority { try set(CURLOPT_CAINFO, bundle) }
    }

    private func setMethod() throws {
        switch request.method {
        case .get where request.body.isEmpty: try set(CURLOPT_HTTPGET, 1)
        case .head: try set(CURLOPT_NOBODY, 1)
        case .post, .put, .patch:
            // These always have a body, if only one of no bytes, so that they say its length.
            try setBody()
        case .get, .delete, .options:
            if !request.body.isEmpty { try setBody() }
        }
        if request.method != .head { try set(CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
    }

    private func setBody() throws {
        try set(CURLOPT_POST, 1)
        try check(request.body.withUnsafeBytes { ccurl_set_body(easy.raw, $0.baseAddress, $0.count) })
    }

    private func setLines(userAgent: String) throws {
        for field in request.headers.fields {
            let isClean = (field.name + field.value).utf8.allSatisfy { $0 != 10 && $0 != 13 && $0 != 0 }
            guard isClean, !field.name.isEmpty, !field.name.contains(where: { ": \t".contains($0) }) else {
                throw request.failure(.badRequest, "header “\(field.name)” cannot be sent")
            }
            // With a colon libcurl would take an empty value as the wish to remove the header.
            try addLine(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        if request.headers["User-Agent"] == nil { try addLine("User-Agent: \(userAgent)") }
        // What libcurl would add by itself: a form's type, and waiting for a 100.
        if request.headers["Content-Type"] == nil { try addLine("Content-Type:") }
        if request.headers["Expect"] == nil { try addLine("Expect:") }
        if request.headers["Accept-Encoding"] == nil { try addLine("Accept-Encoding:") }
        try check(ccurl_set_pointer(easy.raw, CURLOPT_HTTPHEADER, lines.raw))
    }

    /// Asked after a failure: whether no socket can be opened right now.
    private static var isOutOfDescriptors: Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if descriptor < 0 { return errno == EMFILE || errno == ENFILE }
        close(descriptor)
        return false
    }

    private func addLine(_ line: String) throws {
        guard lines.append(line) else { throw request.failure(.badRequest, "out of memory") }
    }

    private func setCallbacks() throws {
        let me = Unmanaged.passUnretained(self).toOpaque()
        for option in [CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_PREREQDATA] {
            try check(ccurl_set_pointer(easy.raw, option, me))
        }
        try check(
            ccurl_set_bytes(easy.raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
                Transfer.at(context)?.addToBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
            })
        try check(
            ccurl_set_bytes(easy.raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
                Transfer.at(context)?.addToHead(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
            })
        try check(
            ccurl_set_before_send(easy.raw) { context, _, _, _, _ in
                Transfer.at(context)?.maySend() == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
            })
    }

    private func set(_ option: CURLoption, _ value: Int) throws { try check(ccurl_set_long(easy.raw, option, value)) }

    private func set(_ option: CURLoption, _ value: String) throws {
        guard !value.utf8.contains(0) else { throw request.failure(.badRequest, "a zero byte in the request") }
        try check(ccurl_set_string(easy.raw, option, value))
    }

    private func check(_ code: CURLcode) throws {
        guard code == CURLE_OK else { throw request.failure(.badRequest, easy.describe(code)) }
    }

    /// Never 0, which would be no limit at all.
    private static func milliseconds(_ duration: Duration) -> Int {
        max(1, Int(duration.nanoseconds / 1_000_000))
    }

    // MARK: From libcurl

    private static func at(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// libcurl sends a request again, on a new connection, when a kept-alive one ends before an answer. The server may
    /// have acted on it all the same, so that only what changes nothing may be repeated.
    private func maySend() -> Bool {
        sendCount += 1
        return sendCount == 1 || request.method.isSafe
    }

    /// - Returns: how many bytes were taken; any other number ends the transfer.
    private func addToBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= request.maximumAnswer else {
            isTooLarge = true
            return bytes.isEmpty ? 1 : 0
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    private func addToHead(_ line: UnsafeRawBufferPointer) -> Int {
        head.add(line)
        guard head.byteCount <= Self.maximumHead else {
            isTooLarge = true
            return 0
        }
        return line.count
    }
}
