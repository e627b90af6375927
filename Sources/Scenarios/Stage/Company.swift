import Pipelines
import Simulation
import World

/// The workers of a scenario. One that ended is started anew after a moment, as systemd does it.
final class Company: Sendable {
    private struct Seat {
        var name: String
        var worker: BenchWorker
        var generation = 1
        var restartAt: Moment?
    }

    private static let restartDelay = Duration.seconds(5)

    let first: BenchWorker
    private let bench: Bench
    private let seats: Locked<[Seat]>

    init(_ bench: Bench, size: Int) {
        self.bench = bench
        let workers = (1...size).map { number in ("w\(number)", bench.worker("w\(number)")) }
        first = workers[0].1
        seats = Locked(workers.map { Seat(name: $0.0, worker: $0.1) })
    }

    /// The first alone: it gets the first job, and the others' turn comes a moment later.
    func startFirst() { first.start() }

    func startOthers() {
        for worker in seats.withLock({ $0.dropFirst().map(\.worker) }) { worker.start() }
    }

    /// Called now and then: starts anew whoever has ended.
    func look(at now: Moment) {
        let bench = bench
        let fresh = seats.withLock { seats in
            var fresh: [BenchWorker] = []
            for index in seats.indices where seats[index].worker.process.end.isRaised {
                guard let restartAt = seats[index].restartAt else {
                    seats[index].restartAt = now + Self.restartDelay
                    continue
                }
                guard restartAt <= now else { continue }
                seats[index].generation += 1
                seats[index].worker = bench.worker("\(seats[index].name).\(seats[index].generation)")
                seats[index].restartAt = nil
                fresh.append(seats[index].worker)
            }
            return fresh
        }
        for worker in fresh { worker.start() }
    }
}
