package import HTTPKit
package import World

/// One Sandbox for many connections: each request has the whole of it to itself.
package final class SharedSandbox: Sendable {
    private let state: Locked<SandboxState>

    package init(_ state: SandboxState) {
        self.state = Locked(state)
    }

    package func answer(_ request: HTTPRequest, from peer: String = "", at now: Timestamp) -> ServerAnswer {
        state.withLock { $0.answer(request, from: peer, at: now) }
    }

    package func answerDNS(_ query: [UInt8]) -> [UInt8]? {
        state.withLock { $0.answerDNS(query) }
    }

    /// Reads or changes it in one go.
    package func withState<Result: Sendable>(_ body: (inout SandboxState) throws -> Result) rethrows -> Result {
        try state.withLock(body)
    }
}
