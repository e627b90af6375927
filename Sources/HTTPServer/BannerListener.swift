import NIOCore
import NIOPosix

/// A TCP port that greets and hangs up, on every loopback address at once: stands for the sshd of simulated servers.
package enum BannerListener {
    /// Serves until the task is cancelled. Listens on all addresses, as 127.0.0.0/8 cannot be named otherwise; who comes
    /// from outside of this machine is not greeted.
    /// - Parameter port: 0 takes any free one.
    /// - Throws: `HTTPListener.Failure`.
    package static func run(
        port: Int, banner: String, onBound: @Sendable (Int) -> Void = { _ in }
    ) async throws {
        let host = "0.0.0.0"
        let greeting = ByteBuffer(string: banner)
        try await ListenerLife.serve(host: host, port: port, onBound: onBound) { group in
            try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1_024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Greeter(greeting))
                    }
                }
                .bind(host: host, port: port).get()
        }
    }

    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let greeting: ByteBuffer

        init(_ greeting: ByteBuffer) { self.greeting = greeting }

        func channelActive(context: ChannelHandlerContext) {
            if context.localAddress?.ipAddress?.hasPrefix("127.") == true {
                context.writeAndFlush(wrapOutboundOut(greeting), promise: nil)
            }
            context.close(promise: nil)
        }
    }
}
