import CCurlShim
package import EventLoop
package import HTTPKit
import World

/// HTTP/1.1 by the system's libcurl, whose sockets and timers live on the event loop.
///
/// Proxies are taken from the environment (`http_proxy`, `https_proxy`, `no_proxy`). Redirects are not followed. No
/// compression is asked for; what comes compressed all the same is decoded.
package actor CurlTransport: HTTPTransport {
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private nonisolated let loop: EventLoop
    private let userAgent: String
    private let multi: CurlMulti
    private let handleLimit: Int
    private var admission: Admission
    private var idle: [CurlEasy] = []
    private var running: [UnsafeMutableRawPointer: Transfer] = [:]
    private var timer: EventLoop.Timer?

    /// - Parameters:
    ///   - perHost: requests in flight to one scheme, host and port; further ones wait, and their time-out with them.
    ///   - total: requests in flight.
    /// - Throws: `SystemError` when libcurl cannot be set up.
    package init(loop: EventLoop, userAgent: String = "cirrata", perHost: Int = 64, total: Int = 512) async throws {
        guard let multi = CurlMulti() else { throw SystemError(doing: "set up libcurl") }
        self.loop = loop
        self.userAgent = userAgent
        self.multi = multi
        handleLimit = perHost
        admission = Admission(perHost: perHost, total: total)
        start(keeping: total)
    }

    private func start(keeping connections: Int) {
        ccurl_multi_keep(multi.raw, connections)
        ccurl_multi_drive(
            multi.raw,
            { _, socket, what, context, _ in
                CurlTransport.at(context)?.assumeIsolated { $0.watch(socket, what) } ?? -1
            },
            { _, milliseconds, context in
                CurlTransport.at(context)?.assumeIsolated { $0.setTimer(milliseconds) }
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    package func execute(_ request: HTTPRequest) async throws -> HTTPResponse {
        try Task.checkCancellation()
        guard let origin = request.safeOrigin?.lowercased() else {
            throw request.failure(.badRequest, "an absolute http:// or https:// URL is needed")
        }
        if let turn = admission.enter(origin) { try await turn.value() }
        defer { admission.leave(origin) }
        guard let easy = idle.popLast() ?? CurlEasy() else {
            throw request.failure(.badRequest, "libcurl has no memory for another request")
        }
        defer { if idle.count < handleLimit { idle.append(easy) } }
        let transfer = try Transfer(request, on: easy, userAgent: userAgent)
        running[easy.raw] = transfer
        defer { remove(transfer) }
        let code = curl_multi_add_handle(multi.raw, easy.raw)
        guard code == CURLM_OK else {
            throw request.failure(.badRequest, String(cString: curl_multi_strerror(code)))
        }
        return try await transfer.answer.value()
    }

    /// Takes a transfer out of libcurl, finished or not; the second time nothing happens.
    private func remove(_ transfer: Transfer) {
        guard running.removeValue(forKey: transfer.easy.raw) != nil else { return }
        curl_multi_remove_handle(multi.raw, transfer.easy.raw)
    }

    // MARK: Driving libcurl

    private static func at(_ context: UnsafeMutableRawPointer?) -> CurlTransport? {
        context.map { Unmanaged<CurlTransport>.fromOpaque($0).takeUnretainedValue() }
    }

    /// What libcurl wants to hear about a socket. It calls from within its own functions: nothing here calls back.
    /// - Returns: -1 when the socket cannot be watched, which ends every transfer.
    private func watch(_ socket: Int32, _ what: Int32) -> Int32 {
        let interest: Readiness
        switch what {
        case CURL_POLL_IN: interest = .read
        case CURL_POLL_OUT: interest = .write
        case CURL_POLL_INOUT: interest = [.read, .write]
        default:
            loop.forget(socket)
            return 0
        }
        do {
            try loop.watch(socket, for: interest) { [weak self] readiness in
                self?.assumeIsolated { $0.act(socket, readiness) }
            }
            return 0
        } catch {
            return -1
        }
    }

    private func setTimer(_ milliseconds: Int) {
        if let timer { loop.cancel(timer) }
        timer = nil
        guard milliseconds >= 0 else { return }
        // Also for 0: libcurl must not be entered from its own callback.
        timer = loop.schedule(at: loop.now + .milliseconds(milliseconds)) { [weak self] in
            self?.assumeIsolated { me in
                me.timer = nil
                me.act(CURL_SOCKET_BAD, [])
            }
        }
    }

    private func act(_ socket: Int32, _ readiness: Readiness) {
        var events: Int32 = 0
        if !readiness.isDisjoint(with: [.read, .hangUp]) { events |= CURL_CSELECT_IN }
        if readiness.contains(.write) { events |= CURL_CSELECT_OUT }
        if readiness.contains(.error) { events |= CURL_CSELECT_ERR }
        var left: Int32 = 0
        curl_multi_socket_action(multi.raw, socket, events, &left)
        var code = CURLE_OK
        while let easy = ccurl_multi_next_finished(multi.raw, &code) {
            guard let transfer = running[easy] else { continue }
            // Before it is removed, which makes libcurl forget what it knows about it.
            transfer.finish(code)
            remove(transfer)
        }
    }
}
