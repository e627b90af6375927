package import World

/// The programs that simulated processes run: one closure decides what each does.
package final class SimulatedChildren: Sendable {
    package enum Outcome: Sendable {
        case ended(ChildResult, after: Duration = .zero)
        case failure(ChildFailure)
        /// Runs until it is killed.
        case never
    }

    package typealias Handler = @Sendable (ChildCommand) async -> Outcome

    private let handler = Locked(Handler?.none)

    /// Without a handler nothing can be started.
    package func handle(_ handler: @escaping Handler) {
        self.handler.withLock { $0 = handler }
    }

    var current: Handler? { handler.withLock { $0 } }

    func shutDown() {
        handler.withLock { $0 = nil }
    }
}

/// `ChildProcesses` as one process sees it. A child dies with its parent: what it has done by then stays done.
struct ProcessChildren: ChildProcesses {
    let process: SimulatedProcess

    func run(_ command: ChildCommand) async throws -> ChildResult {
        let effect = try await process.begin(.child, command.program)
        let surroundings = process.surroundings
        guard let handler = surroundings.children.current else {
            throw ChildFailure(program: command.program, detail: "no such program in this simulation")
        }
        surroundings.trace.record("\(process.name): run \(command.program)")
        let outcome = OneShot<SimulatedChildren.Outcome>()
        surroundings.tasks.start { outcome.resolve(.success(await handler(command))) }
        process.left(effect)
        switch try await outcome.value() {
        case .ended(var result, let after):
            if after > .zero { try await process.time.sleep(for: after) }
            try await process.gate.pass()
            result.output = Array(result.output.prefix(command.maximumOutput))
            result.errors = Array(result.errors.prefix(command.maximumOutput))
            return result
        case .failure(let failure):
            throw failure
        case .never:
            return try await OneShot<ChildResult>().value()
        }
    }
}
