package import Beanstalk
package import Jobs

/// What a worker does apart from the stories of its jobs: for the log.
package enum WorkerNotice: Sendable {
    case started(slots: Int, destroySlots: Int, tubes: [String])
    case broker(BrokerEvent)
    /// A slot's connection failed; it connects again.
    case slotFailed(String)
    /// - Parameter isBuried: nobody took it for a day.
    case foreignJob(tube: String, why: String, count: Int, isBuried: Bool)
    case leaseLost(job: UInt64, why: String)
    case fateUnknown(job: UInt64, why: String)
    /// No report could be put, so the job was not buried, unless the broker takes none so long.
    case reportRefused(job: UInt64, why: String, report: String, isBuried: Bool)
    /// The broker takes no report or reply of the usual length: a shorter one follows.
    case shortened(job: UInt64, why: String)
    case replyRefused(job: UInt64, why: String)
    /// The broker has no room to note a delay: the job goes back without one.
    case delayRefused(job: UInt64, why: String)
    /// A provider begins to rest.
    case brakePulled(Presence.Rest)
    /// It rests no more.
    case brakeReleased(provider: String, why: String)
    /// A sweep by this worker is through.
    case swept(SweepReport)
    /// A sweep did not come about; the next one follows.
    case sweepFailed(String)
    /// The token of the sweeps was not due in time, or could not be held, and was put right.
    case sweepTokenMended(String)
    case draining(jobs: Int)
    case stopped
}
