package import Resilience
package import World

/// Everything that a step did, tried or removed. Log, report, live display and metrics read the same events.
package enum Event: Sendable, Hashable {
    /// A step begins, or begins again.
    case stepStarted(step: String, attempt: Int)
    /// A step is through; `summary` says what it found or made.
    case stepFinished(step: String, attempt: Int, took: Duration, summary: String)
    /// An attempt failed; `retryIn` is nil when it was the last.
    case attemptFailed(
        step: String, attempt: Int, took: Duration, error: String, cause: String, status: Int?,
        requestID: String?, retryIn: Duration?)
    /// One request to a service.
    case request(step: String, RequestRecord)
    /// Something now exists because of us: `server`, `volume`, `attachment`, `dns`, `lock`.
    case created(step: String, resource: String, name: String, id: String)
    /// Something that was there already is used.
    case adopted(step: String, resource: String, name: String, id: String)
    /// Something is gone because of us, and that was seen.
    case removed(step: String, resource: String, name: String, id: String)
    /// Something could not be removed.
    case left(step: String, resource: String, name: String, id: String, why: String)
    /// Worth an operator's attention, though the job goes on.
    case warning(step: String, text: String)
    case note(step: String, text: String)
    /// A job's delivery has ended.
    case ended(Outcome, took: Duration)
}

/// An event with when and for which job.
package struct EventRecord: Sendable, Hashable {
    package var at: Timestamp
    package var job: JobTag
    package var event: Event

    package init(at: Timestamp, job: JobTag, event: Event) {
        self.at = at
        self.job = job
        self.event = event
    }
}

/// What identifies a job in everything that people read.
package struct JobTag: Sendable, Hashable {
    package var key: String
    package var action: String
    package var node: String
    package var provider: String
    /// The broker's job id, 0 when there is no broker.
    package var jobID: UInt64
    /// The test run, when the body names one.
    package var run: String

    package init(key: String, action: String, node: String, provider: String, jobID: UInt64, run: String) {
        self.key = key
        self.action = action
        self.node = node
        self.provider = provider
        self.jobID = jobID
        self.run = run
    }
}

package protocol EventSink: Sendable {
    func record(_ record: EventRecord)
}
