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

    package init(job: Job, right: Right, journal: Journal, began: Moment) {
        self.job = job
        self.right = right
        self.journal = journal
        self.began = began
    }
}
