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
        let story = ReportStory(events)
        return Report(
            broker: delivery.broker.description, jobID: delivery.id.number, key: job.key,
            digest: SHA256.hex(of: delivery.body), tube: delivery.statistics.tube.text, worker: worker,
            action: job.action, node: job.node, provider: job.provider, run: job.run, put: put, began: began,
            ended: ended, outcome: outcome.kind.rawValue, step: outcome.step, cause: outcome.cause,
            message: outcome.message, next: outcome.next, status: outcome.status, requestID: outcome.requestID,
            deliveries: delivery.statistics.reserves, steps: story.steps, created: story.created,
            removed: story.removed,
            left: outcome.left, warnings: story.warnings, console: story.console, body: JobBody.shownKeys(delivery.body)
        )
    }
}
