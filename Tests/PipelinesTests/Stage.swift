import Pipelines
import Resilience
import Simulation
import World

/// Where pipelines run in these tests: virtual time, a pause of one second between attempts.
final class Stage: EventSink {
    let simulation: Simulation
    let drain = Signal<Void>()
    private let kept = Locked([EventRecord]())

    init(seed: UInt64 = 1) {
        simulation = Simulation(seed: seed, order: .shuffled)
    }

    var time: any TimeSource { simulation.time }
    var records: [EventRecord] { kept.withLock { $0 } }
    var events: [Event] { records.map(\.event) }
    /// Starts, ends and failures of attempts in short: `a1 start`, `a1 failed, again in 1s`.
    var story: [String] {
        events.compactMap { event in
            switch event {
            case .stepStarted(let step, let attempt): "\(step)\(attempt) start"
            case .stepFinished(let step, let attempt, let took, let summary):
                "\(step)\(attempt) done in \(took.short): \(summary)"
            case .attemptFailed(let step, let attempt, let took, _, let cause, _, _, let retryIn):
                "\(step)\(attempt) failed in \(took.short): \(cause)" + (retryIn.map { ", again in \($0.short)" } ?? "")
            default: nil
            }
        }
    }

    func record(_ record: EventRecord) { kept.withLock { $0.append(record) } }

    func journal() -> Journal {
        Journal(
            job: JobTag(key: "k", action: "provision", node: "ovh001", provider: "ovh", jobID: 7, run: ""),
            time: simulation.time, sinks: [self])
    }

    struct End: Sendable {
        var outcome: Outcome
        var took: Duration
    }

    /// - Parameter meanwhile: runs beside the pipeline, which is cancelled if this throws.
    func run(
        _ steps: [Step], fence: any Fence = OpenFence(),
        closures: @escaping @Sendable () -> TimeSpans = { TimeSpans() },
        meanwhile: @escaping @Sendable (World) async throws -> Void = { _ in }
    ) throws -> End {
        let journal = journal()
        let right = Right(fence: fence, drain: drain)
        return try simulation.run { world in
            let pipeline = Pipeline(
                steps, world: world,
                backoff: Backoff(first: .seconds(1), limit: .seconds(1), floor: .seconds(1)), closures: closures)
            let began = world.time.now
            return await withTaskGroup(of: End?.self) { group in
                group.addTask {
                    End(outcome: await pipeline.run(right: right, journal: journal), took: world.time.now - began)
                }
                group.addTask {
                    do { try await meanwhile(world) } catch { return End?.none }
                    return nil
                }
                var end: End?
                for await ended in group {
                    if let ended { end = ended }
                }
                return end ?? End(outcome: Outcome(.failed, message: "no outcome"), took: .zero)
            }
        }
    }
}

extension Step {
    static func of(
        _ name: String, timeout: Duration = .seconds(100), patience: Duration = .seconds(100),
        _ body: @escaping @Sendable (StepRun) async throws -> String = { _ in "fine" }
    ) -> Step {
        Step(name, limits: StepLimits(timeout: timeout, patience: patience), body: body)
    }
}

extension ServiceError {
    static func of(_ kind: ErrorClass, status: Int? = 500, retryAfter: Duration? = nil) -> ServiceError {
        ServiceError(
            service: "nova", operation: "test", status: status, requestID: "req-1", message: "no",
            kind: kind, retryAfter: retryAfter, next: "mend it")
    }
}
