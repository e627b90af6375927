import Beanstalk
package import Configuration

extension WorkerSettings {
    /// - Parameter release: of this program, for presence.
    /// - Throws: `InvalidTubeName`.
    package init(_ configuration: SiteConfiguration, release: String) throws {
        self.init(
            slots: configuration.slots, destroySlots: configuration.destroySlots,
            waitingConnections: configuration.waitingConnections, lease: configuration.lease,
            drainGrace: configuration.drainGrace,
            delays: SettlementPolicy(
                retryBase: configuration.retryBase, retryLimit: configuration.retryCap,
                capacityDelay: configuration.capacityDelay),
            budgets: Budgets.Limits(
                retryFor: configuration.retryFor, capacityWait: configuration.capacityWait, releases: 10_000),
            brakeCount: configuration.burialBrake.count, brakeWindow: configuration.burialBrake.within,
            tubes: try WorkerTubes(configuration.tubes, providers: configuration.providers.map(\.name)),
            reportBytes: configuration.reports.maximumBytes, reportCount: configuration.reports.maximumCount,
            release: release,
            sweep: configuration.sweep.isEnabled
                ? Sweep(interval: configuration.sweep.interval, tubes: try SweepTubes(configuration.tubes)) : nil)
    }
}
