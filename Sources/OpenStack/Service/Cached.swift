import Resilience
import World

/// A value that is fetched by one for all and kept for a while.
actor Cached<Value: Sendable> {
    private let lifetime: Duration
    private let time: any TimeSource
    private var memory: (value: Value, until: Moment)?
    private var flight = SingleFlight<Value>()
    private var generation = 0

    init(lifetime: Duration, time: any TimeSource) {
        self.lifetime = lifetime
        self.time = time
    }

    /// - Throws: what `fetch` throws; nothing is kept then.
    func value(_ fetch: @Sendable () async throws -> Value) async throws -> Value {
        if let memory, time.now < memory.until { return memory.value }
        let before = generation
        let asked = time.now
        let value = try await flight.run(fetch)
        if generation == before { memory = (value, asked + lifetime) }
        return value
    }

    /// The value that was fetched last; nothing is fetched.
    var kept: Value? { memory?.value }

    /// Forgets the value, and what is being fetched right now.
    func drop() {
        generation += 1
        memory = nil
        flight = SingleFlight()
    }
}
