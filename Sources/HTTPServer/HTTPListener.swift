package import HTTPKit
package import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP/1 server: a thin shell over swift-nio that hands whole requests to a handler and plays what it answers,
/// including everything that servers should not do.
package enum HTTPListener {
    /// No socket could be bound.
    package struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
        package var address: String
        package var detail: String

        package var description: String { "cannot listen on \(address): \(detail)" }
    }

    /// Serves until the task is cancelled; then every connection is closed and the call returns.
    /// - Parameter port: 0 takes any free one.
    /// - Parameter maximumBody: bytes; a longer request body is answered 413.
    /// - Parameter onBound: told the port, once, before the first request is read.
    /// - Parameter handler: gets the request with its target as `url`, and `address:port` of the peer. Requests of one
    ///   connection come one after the other, those of several at once.
    /// - Throws: `Failure`.
    package static func run(
        host: String = "127.0.0.1", port: Int, maximumBody: Int = 8 << 20,
        onBound: @Sendable (Int) -> Void = { _ in },
        handler: @escaping @Sendable (_ request: HTTPRequest, _ peer: String) async -> ServerAnswer
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(group, host, port, maximumBody, onBound, handler)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    /// Serves one client over a connection that is there already, until either side ends it: what `run` does with each.
    /// Must be called on the channel's event loop.
    package static func serve(
        _ channel: any Channel, maximumBody: Int,
        handler: @escaping @Sendable (_ request: HTTPRequest, _ peer: String) async -> ServerAnswer
    ) async throws {
        await HTTPConnection(channel, maximumBody, handler).serve(try client(channel))
    }

    private typealias Client = NIOAsyncChannel<HTTPServerRequestPart, ByteBuffer>

    private static func serve(
        _ group: MultiThreadedEventLoopGroup, _ host: String, _ port: Int, _ maximumBody: Int,
        _ onBound: @Sendable (Int) -> Void,
        _ handler: @escaping @Sendable (HTTPRequest, String) async -> ServerAnswer
    ) async throws {
        let server: NIOAsyncChannel<Client, Never>
        do {
            server = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1_024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                // A client may end its own direction and still wait for its answers.
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .bind(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture { try client(channel) }
                }
        } catch {
            throw Failure(address: "\(host):\(port)", detail: "\(error)")
        }
        onBound(server.channel.localAddress?.port ?? port)
        do {
            try await server.executeThenClose { connections in
                await withDiscardingTaskGroup { tasks in
                    do {
                        for try await connection in connections {
                            tasks.addTask {
                                await HTTPConnection(connection.channel, maximumBody, handler).serve(connection)
                            }
                        }
                    } catch {
                        // The listening socket is gone: what is connected is served to its end.
                    }
                }
            }
        } catch is CancellationError {
            return
        }
    }

    private static func client(_ channel: any Channel) throws -> Client {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 16 << 10
        limits.maxHeaderListSize = 64 << 10
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(decoder))
        return try Client(
            wrappingChannelSynchronously: channel,
            configuration: NIOAsyncChannel.Configuration(isOutboundHalfClosureEnabled: true))
    }
}
