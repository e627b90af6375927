/// What a worker needs to know beyond its provisioner.
package struct WorkerSettings: Sendable {
    package var slots: Int
    /// Of these, slots that take only destroys: what waits for capacity must never block what frees it.
    package var destroySlots: Int
    package var waitingConnections: Int
    package var lease: Duration
    package var drainGrace: Duration
    package var delays: SettlementPolicy
    package var budgets: Budgets.Limits
    package var brakeCount: Int
    package var brakeWindow: Duration
    package var tubes: WorkerTubes
    /// The largest report, and how many are kept.
    package var reportBytes: Int
    package var reportCount: Int
    package var release: String
    /// nil: this worker never sweeps.
    package var sweep: Sweep?

    package struct Sweep: Sendable {
        /// Between two sweeps of the site, whoever sweeps.
        package var interval: Duration
        package var tubes: SweepTubes

        package init(interval: Duration, tubes: SweepTubes) {
            self.interval = interval
            self.tubes = tubes
        }
    }

    package init(
        slots: Int, destroySlots: Int, waitingConnections: Int, lease: Duration, drainGrace: Duration,
        delays: SettlementPolicy, budgets: Budgets.Limits, brakeCount: Int, brakeWindow: Duration,
        tubes: WorkerTubes, reportBytes: Int, reportCount: Int, release: String, sweep: Sweep?
    ) {
        self.slots = slots
        self.destroySlots = destroySlots
        self.waitingConnections = waitingConnections
        self.lease = lease
        self.drainGrace = drainGrace
        self.delays = delays
        self.budgets = budgets
        self.brakeCount = brakeCount
        self.brakeWindow = brakeWindow
        self.tubes = tubes
        self.reportBytes = reportBytes
        self.reportCount = reportCount
        self.release = release
        self.sweep = sweep
    }
}
