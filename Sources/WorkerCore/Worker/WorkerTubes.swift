package import Beanstalk
package import Configuration
package import Jobs

/// The tubes of a site: two for each provider, and those that workers and operators share.
package struct WorkerTubes: Sendable, Hashable {
    package struct Pair: Sendable, Hashable {
        package var provider: String
        package var provision: TubeName
        package var destroy: TubeName
    }

    package let pairs: [Pair]
    package let reports: TubeName
    package let workers: TubeName
    private let settings: TubeSettings

    /// - Throws: `InvalidTubeName` when a prefix and a provider's name make no tube.
    package init(_ settings: TubeSettings, providers: [String]) throws(InvalidTubeName) {
        var pairs: [Pair] = []
        for provider in providers {
            pairs.append(
                Pair(
                    provider: provider, provision: try TubeName(settings.provision(provider)),
                    destroy: try TubeName(settings.destroy(provider))))
        }
        self.pairs = pairs
        self.settings = settings
        reports = try TubeName(settings.reports)
        workers = try TubeName(settings.workers)
    }

    package func tube(_ action: JobAction, provider: String) -> TubeName? {
        pairs.first { $0.provider == provider }.map { action == .provision ? $0.provision : $0.destroy }
    }

    /// The tube that a job names for its reply.
    func replyTube(_ name: String) throws(RefusedReplyTube) -> TubeName {
        try settings.replyTube(name, machineTypes: pairs.map(\.provider))
    }

    /// What a tube is for.
    package func meaning(of tube: TubeName) -> (provider: String, action: JobAction)? {
        for pair in pairs {
            if tube == pair.provision { return (pair.provider, .provision) }
            if tube == pair.destroy { return (pair.provider, .destroy) }
        }
        return nil
    }
}
