import Beanstalk
import Jobs
import Pipelines
import World

/// Makes the report of a buried job from the events of its last delivery.
enum ReportWriter {
    static func report(
        of delivery: Delivery, job: JobTag, outcome: Outcome, events: [EventRecord], worker: String,
        put: Timestamp, began: Timestamp, ended: Timestamp
    ) -> Report {
        var steps: [Report.StepStory] = []
        var created: [String] = []
        var removed: [String] = []
        var warnings: [String] = []
        var console = ""
        func index(of step: String) -> Int {
            if let index = steps.lastIndex(where: { $0.step == step }) { return index }
            steps.append(Report.StepStory(step: step, summary: "", attempts: []))
            return steps.count - 1
        }
        for record in events {
            switch record.event {
            case .stepFinished(let step, let attempt, let took, let summary):
                let index = index(of: step)
                steps[index].summary = summary
                steps[index].attempts.append(
                    .init(
                        number: attempt, at: record.at, took: took, error: "", cause: "", status: nil, requestID: nil))
            case .attemptFailed(let step, let attempt, let took, let error, let cause, let status, let requestID, _):
                steps[index(of: step)].attempts.append(
                    .init(
                        number: attempt, at: record.at, took: took, error: error, cause: cause, status: status,
                        requestID: requestID))
            case .created(_, let resource, let name, let id): created.append("\(resource) \(name) \(id)")
            case .removed(_, let resource, let name, let id): removed.append("\(resource) \(name) \(id)")
            case .warning(_, let text): warnings.append(text)
            case .note(_, let text) where text.hasPrefix("console of "): console = String(text.suffix(3_000))
            case .stepStarted, .request, .adopted, .left, .note, .ended: break
            }
        }
        return Report(
            broker: delivery.broker.description, jobID: delivery.id.number, key: job.key,
            digest: SHA256.hex(of: delivery.body), tube: delivery.statistics.tube.text, worker: worker,
            action: job.action, node: job.node, provider: job.provider, run: job.run, put: put, began: began,
            ended: ended, outcome: outcome.kind.rawValue, step: outcome.step, cause: outcome.cause,
            message: outcome.message, next: outcome.next, status: outcome.status, requestID: outcome.requestID,
            deliveries: delivery.statistics.reserves, steps: steps, created: created, removed: removed,
            left: outcome.left, warnings: warnings, console: console, body: JobBody.shownKeys(delivery.body))
    }
}
