import Beanstalk
import Jobs
import Pipelines
import World
import YAMLKit

/// What is to be done with a delivery before any work begins.
enum Intake: Sendable {
    case work(Job)
    /// Not ours: back with a delay, never buried.
    case foreign(why: String)
    case refuse(Outcome, JobStub)
}

/// Reads deliveries.
struct Receptionist: Sendable {
    let tubes: WorkerTubes
    let body: JobBody
    let time: any TimeSource

    /// Below this, a lease could not be kept: beanstalkd gives such a job to somebody else while we work.
    static let shortestTTR = Duration.seconds(10)

    /// - Parameter broker: which run of the broker delivered it; empty: not known.
    func take(_ delivery: Delivery, by broker: String = "") -> Intake {
        let statistics = delivery.statistics
        switch read(delivery.body, statistics, put: time.wallClock - statistics.age, by: broker) {
        case .foreign(let why):
            return .foreign(why: why)
        case .malformed(let problems, let stub):
            let text = problems.map(\.description).joined(separator: "\n")
            return refuse(
                Outcome(
                    .rejected, step: "", cause: "malformed", message: text,
                    next: "correct the body and enqueue it again"), stub)
        case .job(let job):
            if let refusal = refusal(of: job, statistics) { return refuse(refusal, JobStub(job)) }
            return .work(job)
        }
    }

    /// A tube that is not for replies gets none, whatever else is wrong with the job.
    private func refuse(_ outcome: Outcome, _ stub: JobStub) -> Intake {
        var stub = stub
        if let replyTo = stub.replyTo, (try? tubes.replyTube(replyTo)) == nil { stub.replyTo = nil }
        return .refuse(outcome, stub)
    }

    /// The key of a job that somebody else may hold; nil when it is none of ours.
    func key(of bytes: [UInt8], _ statistics: JobStatistics) -> String? {
        switch read(bytes, statistics, put: time.wallClock - statistics.age, by: "") {
        case .job(let job): job.key
        case .foreign, .malformed: nil
        }
    }

    /// Whether the job of that number has this key and will still be worked on.
    func isLiving(_ number: UInt64, as key: String, _ connection: Connection) async throws -> Bool {
        guard let statistics = try await connection.statistics(of: JobID(number)), statistics.state != .buried,
            let job = try await connection.peek(JobID(number))
        else { return false }
        return self.key(of: job.body, statistics) == key
    }

    /// - Parameter broker: which run of the broker it is in; empty: not known.
    func read(_ bytes: [UInt8], _ statistics: JobStatistics, put: Timestamp, by broker: String) -> JobReading {
        let meaning = tubes.meaning(of: statistics.tube)
        return body.read(
            bytes,
            Envelope(
                jobID: statistics.id.number, put: Timestamp(seconds: put.microseconds / 1_000_000), broker: broker,
                tubeProvider: meaning?.provider, tubeAction: meaning?.action))
    }

    /// Why a job that can be read cannot be worked on; nil when it can.
    func refusal(of job: Job, _ statistics: JobStatistics) -> Outcome? {
        if statistics.ttr < Self.shortestTTR {
            return Outcome(
                .rejected, cause: "ttr-too-short",
                message: "the job's time to run is \(statistics.ttr.short); no lease can be kept that short",
                next: "put it with a TTR of at least \(Self.shortestTTR.short); 300 s is usual")
        }
        if let replyTo = job.replyTo {
            do {
                _ = try tubes.replyTube(replyTo)
            } catch {
                return Outcome(
                    .rejected, cause: "malformed", message: "\(error)", next: "name a tube that only you read")
            }
        }
        return nil
    }
}

extension JobStub {
    init(_ job: Job) {
        self.init(
            key: job.key, action: job.action.rawValue, node: job.node?.qualified ?? "", provider: job.provider,
            replyTo: job.replyTo, uuid: job.uuid ?? "", run: job.run)
    }
}
