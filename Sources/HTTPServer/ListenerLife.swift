import NIOCore
import NIOPosix

/// From the opening of a socket to the end of the task that serves it.
enum ListenerLife {
    /// Opens a socket on a thread of its own and returns when the task is cancelled, with everything closed.
    /// - Throws: `HTTPListener.Failure`.
    static func serve(
        host: String, port: Int, onBound: @Sendable (Int) -> Void,
        open: @Sendable (MultiThreadedEventLoopGroup) async throws -> any Channel
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let channel = try await open(group)
            onBound(channel.localAddress?.port ?? port)
            try await withTaskCancellationHandler {
                try await channel.closeFuture.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            try await group.shutdownGracefully()
            throw HTTPListener.Failure(address: "\(host):\(port)", detail: "\(error)")
        }
        try await group.shutdownGracefully()
    }
}
