package import World

/// The story of one delivery of one job: stamps every event, hands it on, and keeps the latest for the report.
package final class Journal: Sendable {
    package let job: JobTag
    private let time: any TimeSource
    private let sinks: [any EventSink]
    private let kept = Locked<[EventRecord]>([])
    /// A job that flaps for hours must not grow without bound; a report shows the end of the story.
    private static let limit = 400

    package init(job: JobTag, time: any TimeSource, sinks: [any EventSink]) {
        self.job = job
        self.time = time
        self.sinks = sinks
    }

    package func record(_ event: Event) {
        let record = EventRecord(at: time.wallClock, job: job, event: event)
        let isRequest = if case .request = event { true } else { false }
        // A server that is waited for is asked for hundreds of times: that would push out what was created and removed.
        if !isRequest { keep(record) }
        for sink in sinks { sink.record(record) }
    }

    private func keep(_ record: EventRecord) {
        kept.withLock { records in
            records.append(record)
            if records.count > Self.limit { records.removeFirst(records.count - Self.limit / 2) }
        }
    }

    /// What was recorded but for the requests, oldest first; at most the latest few hundred.
    package var records: [EventRecord] { kept.withLock { $0 } }
}
