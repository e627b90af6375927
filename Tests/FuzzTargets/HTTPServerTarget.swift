import HTTPKit
import HTTPServer
import NIOCore
import NIOEmbedded
import Simulation
import World

/// What a client may send to our HTTP server, from the first byte to the end of the connection.
enum HTTPServerTarget {
    private struct Outcome: Equatable, Sendable {
        var requests: [HTTPRequest] = []
        var sent: [UInt8] = []
    }

    static func check(_ input: [UInt8]) throws {
        guard input.count <= 4_096 else { return }
        let outcomes = try Pieces.all(of: input).map(serve)
        for outcome in outcomes {
            try require(outcome == outcomes[0], "other pieces, other answers: \(outcome) and \(outcomes[0])")
        }
        let outcome = outcomes[0]
        let taken = outcome.requests.reduce(0) { $0 + $1.url.utf8.count + $1.body.count }
        try require(taken <= input.count, "requests of \(taken) bytes out of \(input.count)")
        try require(
            outcome.sent.isEmpty || outcome.sent.starts(with: "HTTP/1.".utf8), "not an answer: \(outcome.sent)")
    }

    private static func serve(_ pieces: [[UInt8]]) throws -> Outcome {
        try Simulation(seed: 1).run { _ in
            let requests = Locked([HTTPRequest]())
            let hasEnded = Signal<Void>()
            // The embedded loop and the simulation share this thread, so neither ever sees another.
            let channel = EmbeddedChannel()
            channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await HTTPListener.serve(channel, maximumBody: 256) { request, _ in
                        requests.withLock { $0.append(request) }
                        return .response(HTTPResponse(status: 200, body: Array("ok".utf8)))
                    }
                    hasEnded.raise(())
                }
                await settle(channel)
                for piece in pieces where channel.isActive {
                    // Not `writeInbound`, which throws what the pipeline reports, and the server has to live with that.
                    channel.pipeline.fireChannelRead(ByteBuffer(bytes: piece))
                    channel.pipeline.fireChannelReadComplete()
                    await settle(channel)
                }
                if channel.isActive { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
                await settle(channel)
                channel.embeddedEventLoop.advanceTime(by: .seconds(2))
                await settle(channel)
                if channel.isActive { channel.close(promise: nil) }
                await settle(channel)
                try require(hasEnded.isRaised, "the server does not notice that its client is gone")
                try await group.waitForAll()
                var outcome = Outcome(requests: requests.withLock { $0 })
                while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
                    outcome.sent += buffer.readableBytesView
                }
                return outcome
            }
        }
    }

    /// Lets the server and the loop take turns until neither can have anything left to do for the bytes that came.
    private static func settle(_ channel: EmbeddedChannel) async {
        for _ in 0..<12 {
            channel.embeddedEventLoop.run()
            await Task.yield()
        }
    }
}
