import Configuration
import Sandbox
import World

extension CloudTimings {
    /// All phases are there, and short: what takes long in a scenario is what goes wrong.
    static var brisk: CloudTimings {
        var timings = CloudTimings()
        timings.boot = .seconds(2)
        timings.deleting = .milliseconds(800)
        timings.volumeCreating = .milliseconds(700)
        timings.volumeReserved = .milliseconds(300)
        timings.volumeAttaching = .milliseconds(700)
        timings.volumeDetaching = .milliseconds(700)
        timings.volumeDeleting = .milliseconds(500)
        return timings
    }
}

extension StepSettings {
    static var brisk: StepSettings {
        var steps = StepSettings()
        let limits = StepLimits(timeout: .seconds(60), patience: .seconds(30))
        steps.claim = limits
        steps.createServer = limits
        steps.waitActive = limits
        steps.attachVolumes = limits
        steps.pushDNS = limits
        steps.waitReady = limits
        steps.commit = limits
        steps.guardStep = limits
        steps.removal = limits
        steps.parkDNS = limits
        steps.paddles = limits
        return steps
    }
}
