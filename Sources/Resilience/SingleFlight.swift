import World

/// Runs one body for everybody who asks while it runs. The body runs in the task of the first who asked; when that task
/// is cancelled or held back, one of the others takes over.
package actor SingleFlight<Value: Sendable> {
    private enum Landing: Sendable {
        case value(Value)
        case failed(any Error)
        /// The first ended for reasons of its own, which say nothing to the others.
        case abandoned
    }

    private var flight: Signal<Landing>?

    package init() {}

    /// - Throws: what the body throws, to all who waited for it; `CancellationError` only to whom was cancelled.
    package func run(_ body: @Sendable () async throws -> Value) async throws -> Value {
        while let flight {
            switch try await flight.wait() {
            case .value(let value): return value
            case .failed(let error): throw error
            case .abandoned: continue
            }
        }
        let own = Signal<Landing>()
        flight = own
        do {
            let value = try await body()
            land(own, .value(value))
            return value
        } catch {
            let isPersonal = error is CancellationError || error is FenceClosed || error is Drained || Task.isCancelled
            land(own, isPersonal ? .abandoned : .failed(error))
            throw error
        }
    }

    private func land(_ own: Signal<Landing>, _ landing: Landing) {
        flight = nil
        own.raise(landing)
    }
}
