import Beanstalk
import Jobs
import World

/// Puts a sign of life into the workers' tube every half minute and removes those of the dead. Only operators read it:
/// a broker that takes nothing is no reason to stop.
struct PresenceKeeper: Sendable {
    let broker: Broker
    let tube: TubeName
    let holdings: Holdings
    let slots: Int
    let release: String
    let drain: Signal<Void>
    let world: World

    private static let interval = Duration.seconds(30)
    static let dead = Duration.seconds(90)

    func run() async {
        let started = world.time.wallClock
        while !Task.isCancelled {
            do {
                _ = try await broker.connectPatiently(Tubes(watching: [tube]), unless: Signal()) { connection in
                    var previous: JobID?
                    while true {
                        do {
                            previous = try await announce(connection, started, replacing: previous)
                        } catch let error as BrokerError where !error.isConnectionLost {
                            // It drains or is full: the jobs say so, this one comes again.
                        }
                        try await world.time.sleep(for: Self.interval)
                    }
                }
            } catch is CancellationError {
                return
            } catch {
                // The connection is told of by the broker's events; another one follows.
                do { try await world.time.sleep(for: .seconds(1)) } catch { return }
            }
        }
    }

    private func announce(
        _ connection: Connection, _ started: Timestamp, replacing previous: JobID?
    ) async throws -> JobID {
        let now = world.time.wallClock
        let presence = Presence(
            host: world.host.name, process: world.host.process, release: release, slots: slots, started: started,
            at: now, draining: drain.isRaised, held: holdings.all)
        let put = try await connection.put(
            fitting: Settler.usualJobSize, into: tube, { presence.encoded(limit: $0) })
        if let previous { _ = try await connection.delete(previous) }
        _ = try await Self.dropDead(connection)
        return put.id
    }

    /// Deletes the oldest signs of life in the used tube until one is of somebody alive. How old they are the broker
    /// says: what they say themselves is of another host's clock, or of anybody who put one.
    /// - Returns: how many.
    static func dropDead(_ connection: Connection) async throws -> Int {
        var dropped = 0
        while let job = try await connection.peek(.ready) {
            guard let age = try await connection.statistics(of: job.id)?.age else { continue }
            guard age > Self.dead, try await connection.delete(job.id) else { break }
            dropped += 1
        }
        return dropped
    }
}
