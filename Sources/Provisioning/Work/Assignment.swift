package import Jobs
package import Pipelines
package import World

/// One delivery of one job: what is to be done, with what right, and where its story is written down.
package struct Assignment: Sendable {
    package let job: Job
    package let right: Right
    package let journal: Journal
    /// When this lease began: nothing that was listed before proves anything.
    package let began: Moment
    /// Whether the job of this number is equal to this one (the same key) and will still be worked on: the broker knows.
    package let isLivingTwin: @Sendable (UInt64) async throws -> Bool

    package init(
        job: Job, right: Right, journal: Journal, began: Moment,
        isLivingTwin: @escaping @Sendable (UInt64) async throws -> Bool = { _ in false }
    ) {
        self.job = job
        self.right = right
        self.journal = journal
        self.began = began
        self.isLivingTwin = isLivingTwin
    }
}
