import NIOCore
import NIOPosix

/// A UDP socket that answers each datagram by itself, such as a name server's.
package enum DatagramListener {
    /// Serves until the task is cancelled.
    /// - Parameter port: 0 takes any free one.
    /// - Parameter answer: nil: nothing is sent.
    /// - Throws: `HTTPListener.Failure`.
    package static func run(
        host: String = "127.0.0.1", port: Int, onBound: @Sendable (Int) -> Void = { _ in },
        answer: @escaping @Sendable ([UInt8]) -> [UInt8]?
    ) async throws {
        try await ListenerLife.serve(host: host, port: port, onBound: onBound) { group in
            try await DatagramBootstrap(group: group)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Answerer(answer))
                    }
                }
                .bind(host: host, port: port).get()
        }
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>

        private let answer: @Sendable ([UInt8]) -> [UInt8]?

        init(_ answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let question = unwrapInboundIn(data)
            guard let bytes = answer(Array(question.data.readableBytesView)) else { return }
            let reply = AddressedEnvelope(remoteAddress: question.remoteAddress, data: ByteBuffer(bytes: bytes))
            context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
        }
    }
}
