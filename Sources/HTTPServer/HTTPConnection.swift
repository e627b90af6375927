import Glibc
import HTTPKit
import NIOCore
import NIOHTTP1

/// One client: reads a request, answers it, reads the next.
struct HTTPConnection: Sendable {
    typealias Handler = @Sendable (HTTPRequest, String) async -> ServerAnswer
    private typealias Parts = NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator
    private typealias Writer = NIOAsyncChannelOutboundWriter<ByteBuffer>

    /// How long a client may take to read the last answer before the connection is closed under it.
    private static let lingering = TimeAmount.seconds(1)

    private let channel: any Channel
    private let maximumBody: Int
    private let handler: Handler
    private let peer: String

    init(_ channel: any Channel, _ maximumBody: Int, _ handler: @escaping Handler) {
        self.channel = channel
        self.maximumBody = maximumBody
        self.handler = handler
        let address = channel.remoteAddress
        peer = "\(address?.ipAddress ?? "?"):\(address?.port ?? 0)"
    }

    private enum Incoming {
        case request(HTTPRequest, keepAlive: Bool, version: HTTPVersion)
        case refused(Int, String)
        case end
    }

    func serve(_ client: NIOAsyncChannel<HTTPServerRequestPart, ByteBuffer>) async {
        do {
            try await client.executeThenClose { inbound, outbound in
                var parts = inbound.makeAsyncIterator()
                while try await answerOne(&parts, outbound) {}
                try await finish(&parts, outbound)
            }
        } catch {
            // The client left in the middle, or we are shutting down: there is nobody to tell.
        }
    }

    /// - Returns: whether another request may follow.
    private func answerOne(_ parts: inout Parts, _ outbound: Writer) async throws -> Bool {
        switch try await next(&parts, outbound) {
        case .end:
            return false
        case .refused(let status, let text):
            let response = HTTPResponse(
                status: status, headers: ["Connection": "close", "Content-Type": "text/plain"],
                body: Array("\(text)\n".utf8))
            try await outbound.write(HTTPText.response(response, version: .http1_1, isHead: false))
            return false
        case .request(let request, let keepAlive, let version):
            let answer = await handler(request, peer)
            try await pause(answer.after)
            return try await play(answer, to: request, keepAlive: keepAlive, version, &parts, outbound)
        }
    }

    private func play(
        _ answer: ServerAnswer, to request: HTTPRequest, keepAlive: Bool, _ version: HTTPVersion,
        _ parts: inout Parts, _ outbound: Writer
    ) async throws -> Bool {
        let isHead = request.method == .head
        switch answer.form {
        case .response(var response):
            let closes = response.headers["Connection"]?.lowercased() == "close" || !keepAlive
            if closes {
                response.headers["Connection"] = response.headers["Connection"] ?? "close"
            } else if version.major == 1 && version.minor == 0 {
                response.headers["Connection"] = "keep-alive"
            }
            try await outbound.write(HTTPText.response(response, version: version, isHead: isHead))
            return !closes
        case .closeDelimited(let response):
            try await outbound.write(HTTPText.closeDelimited(response, isHead: isHead))
            return false
        case .raw(let bytes):
            if !bytes.isEmpty { try await outbound.write(ByteBuffer(bytes: bytes)) }
            return false
        case .truncated(let response, let keep):
            try await outbound.write(HTTPText.response(response, version: version, isHead: false, keep: keep))
            return false
        case .reset:
            // With a linger time of zero the kernel sends RST instead of FIN.
            if let options = channel as? any SocketOptionProvider {
                try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
            }
            try await channel.close().get()
            return false
        case .stall:
            while try await parts.next(isolation: #isolation) != nil {}
            return false
        }
    }

    private func next(_ parts: inout Parts, _ outbound: Writer) async throws -> Incoming {
        do {
            guard let part = try await parts.next(isolation: #isolation) else { return .end }
            guard case .head(let head) = part else { return .refused(400, "a request begins with its head") }
            if head.headers[canonicalForm: "Expect"].contains(where: { $0.lowercased() == "100-continue" }) {
                try await outbound.write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
            }
            var body: [UInt8] = []
            reading: while let part = try await parts.next(isolation: #isolation) {
                switch part {
                case .head: return .refused(400, "a body ends before the next head")
                case .body(let buffer):
                    guard body.count + buffer.readableBytes <= maximumBody else {
                        return .refused(413, "the body is longer than \(maximumBody) bytes")
                    }
                    body += buffer.readableBytesView
                case .end: break reading
                }
            }
            guard let method = HTTPKit.HTTPMethod(rawValue: head.method.rawValue) else {
                return .refused(501, "the method \(head.method.rawValue) is not implemented")
            }
            let headers = HTTPKit.HTTPHeaders(
                head.headers.map { HTTPKit.HTTPHeaders.Field(name: $0.name, value: $0.value) })
            let request = HTTPRequest(method, head.uri, headers: headers, body: body)
            return .request(request, keepAlive: head.isKeepAlive, version: head.version)
        } catch HTTPParserError.headerOverflow {
            return .refused(431, "the head is too long")
        } catch let error as HTTPParserError {
            return .refused(400, "this is not HTTP/1: \(error)")
        }
    }

    private func pause(_ duration: Duration) async throws {
        guard duration > .zero else { return }
        let (seconds, attoseconds) = duration.components
        let timer = channel.eventLoop.scheduleTask(in: .seconds(seconds) + .nanoseconds(attoseconds / 1_000_000_000)) {}
        try await withTaskCancellationHandler {
            try await timer.futureResult.get()
        } onCancel: {
            timer.cancel()
        }
    }

    /// Ends our direction and waits until the client has ended its own: closing while bytes of it are unread would
    /// reset the connection and might take the answer away from it.
    private func finish(_ parts: inout Parts, _ outbound: Writer) async throws {
        outbound.finish()
        let timer = channel.eventLoop.scheduleTask(in: Self.lingering) { [channel] in channel.close(promise: nil) }
        defer { timer.cancel() }
        while try await parts.next(isolation: #isolation) != nil {}
    }
}
