package import Beanstalk
package import Configuration
import Jobs

/// The tubes that a sweep looks at: all that are ours by name, also those of providers that are not configured here.
package struct SweepTubes: Sendable, Hashable {
    let settings: TubeSettings
    let reports: TubeName
    let workers: TubeName
    let token: TubeName
    /// For jobs that are put only to learn the broker's last number.
    let probe: TubeName

    /// - Throws: `InvalidTubeName`.
    package init(_ settings: TubeSettings) throws(InvalidTubeName) {
        self.settings = settings
        reports = try TubeName(settings.reports)
        workers = try TubeName(settings.workers)
        token = try TubeName(settings.sweep)
        probe = try TubeName("\(settings.sweep).probe")
    }

    func isForJobs(_ tube: TubeName) -> Bool { meaning(of: tube) != nil }

    /// What a tube of ours is for, and whose jobs it holds.
    func meaning(of tube: TubeName) -> (action: JobAction, provider: String)? {
        for (prefix, action) in [(settings.provision, JobAction.provision), (settings.destroy, .destroy)]
        where tube.text.hasPrefix(prefix + ".") {
            return (action, String(tube.text.dropFirst(prefix.count + 1)))
        }
        return nil
    }
}
