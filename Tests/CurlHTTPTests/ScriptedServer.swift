import EventLoop
import HTTPKit
import TestSupport
import World

@testable import CurlHTTP

/// An HTTP/1.1 server on the test's loop that answers with whatever bytes the test says.
struct ScriptedServer: Sendable {
    struct Request: Sendable {
        var method: String
        var target: String
        /// With names in lower case.
        var headers: [String: String]
        var body: [UInt8]
        /// Of the connection, from 0 in the order of acceptance.
        var connection: Int
        /// On its connection, from 0.
        var number: Int
    }

    enum Answer: Sendable {
        /// Sends and takes the next request.
        case keep(String)
        /// The same with bytes that are no text.
        case bytes([UInt8])
        /// Sends and ends the connection.
        case close(String)
        /// Sends and answers no more until the client goes.
        case stall(String)
    }

    typealias Script = @Sendable (Request) async throws -> Answer

    let url: String
    let world: World
    private let requests = Locked<[Request]>([])
    private let departures = Signal<Void>()

    var seen: [Request] { requests.withLock { $0 } }
    /// Waits until a client has left a connection that stalls.
    func clientLeft() async throws { _ = try await departures.wait() }

    /// - Parameter resetting: connections end with a reset.
    static func with(
        resetting: Bool = false, perHost: Int = 64, _ script: @escaping Script,
        _ body: @Sendable (ScriptedServer) async throws -> Void
    ) async throws {
        try await withLiveWorld(http: { try await CurlTransport(loop: $0, perHost: perHost) }) { world in
            guard let loop = world.executor as? EventLoop else { return }
            let listener = try await Listener(loop: loop)
            let server = ScriptedServer(url: "http://127.0.0.1:\(listener.port)", world: world)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.acceptAll(listener, resetting, script) }
                do {
                    try await body(server)
                } catch {
                    group.cancelAll()
                    throw error
                }
                group.cancelAll()
            }
        }
    }

    func execute(_ request: HTTPRequest) async throws -> HTTPResponse { try await world.http.execute(request) }

    func get(_ path: String = "/", timeout: Duration = .seconds(30)) async throws -> HTTPResponse {
        try await execute(HTTPRequest(.get, url + path, timeout: timeout))
    }

    // MARK: Serving

    private func acceptAll(_ listener: Listener, _ resetting: Bool, _ script: @escaping Script) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for connection in 0... {
                let stream: any ByteStream = try await listener.accept(resetting: resetting)
                group.addTask { await serve(stream, connection, script) }
            }
        }
    }

    private func serve(_ stream: any ByteStream, _ connection: Int, _ script: Script) async {
        defer { stream.close() }
        var pending: [UInt8] = []
        do {
            for number in 0... {
                guard let request = try await next(from: stream, &pending, connection, number) else { return }
                requests.withLock { $0.append(request) }
                switch try await script(request) {
                case .keep(let text):
                    stream.write(Array(text.utf8))
                case .bytes(let bytes):
                    stream.write(bytes)
                case .close(let text):
                    stream.write(Array(text.utf8))
                    try await stream.drained()
                    return
                case .stall(let text):
                    stream.write(Array(text.utf8))
                    defer { departures.raise(()) }
                    while try await stream.read() != nil {}
                    return
                }
            }
        } catch {
            // The client went away or the test is over: either ends this connection only.
            return
        }
    }

    private func next(from stream: any ByteStream, _ pending: inout [UInt8], _ connection: Int, _ number: Int)
        async throws -> Request?
    {
        let blank = Array("\r\n\r\n".utf8)
        while pending.firstRange(of: blank) == nil {
            guard let more = try await stream.read() else { return nil }
            pending += more
        }
        guard let end = pending.firstRange(of: blank) else { return nil }
        let lines = String(decoding: pending[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        pending.removeSubrange(..<end.upperBound)
        let first = lines[0].split(separator: " ")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while pending.count < length {
            guard let more = try await stream.read() else { return nil }
            pending += more
        }
        let body = Array(pending.prefix(length))
        pending.removeFirst(length)
        return Request(
            method: String(first[0]), target: String(first[1]), headers: headers, body: body, connection: connection,
            number: number)
    }
}

/// A plain answer with its length.
func answer(_ status: Int = 200, _ body: String = "", _ fields: String = "") -> String {
    "HTTP/1.1 \(status) Whatever\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}
