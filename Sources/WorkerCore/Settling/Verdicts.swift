package import Pipelines
package import World

/// Why jobs are being removed again: remembered from the moment when that is decided until they are settled, so that a
/// removal which has to be given up half way is gone on with by the next delivery here. Without it that delivery would
/// begin anew, have fresh luck, and build again what was condemned.
///
/// Another process knows nothing of it and does begin anew. That is safe, only slower: it looks up what is left, goes on
/// from there or takes it away, and comes to an end of its own. It may even be a good one: then the job is committed, and
/// a removal removes nothing of a committed job, whoever remembers what.
package struct Verdicts: Sendable {
    /// One life of a job in the queue. An operator's kick begins another, with a fresh start.
    package struct Life: Sendable, Hashable {
        package var jobID: UInt64
        package var key: String
        package var kicks: Int

        package init(jobID: UInt64, key: String, kicks: Int) {
            self.jobID = jobID
            self.key = key
            self.kicks = kicks
        }
    }

    package struct Verdict: Sendable, Hashable {
        package var outcome: Outcome
        /// What was done and tried until then, for the report.
        package var story: [EventRecord]
        fileprivate var at: Moment
    }

    private var known: [Life: Verdict] = [:]
    private static let most = 2_000
    private static let longestStory = 100

    package init() {}

    package subscript(life: Life) -> Verdict? { known[life] }
    package var count: Int { known.count }

    package mutating func pass(_ outcome: Outcome, on life: Life, now: Moment) {
        known[life] = Verdict(outcome: outcome, story: [], at: now)
        guard known.count > Self.most else { return }
        // The oldest half: their jobs were most likely settled by others.
        let middle = known.values.map(\.at).sorted()[known.count / 2]
        known = known.filter { $0.value.at > middle || $0.key == life }
    }

    /// A delivery has ended and left the verdict standing.
    package mutating func tell(_ events: [EventRecord], of life: Life) {
        guard let verdict = known[life] else { return }
        let telling = events.filter { record in
            switch record.event {
            case .request, .ended: false
            default: true
            }
        }
        known[life]?.story = Array((verdict.story + telling).suffix(Self.longestStory))
    }

    package mutating func forget(_ life: Life) { known[life] = nil }
}
