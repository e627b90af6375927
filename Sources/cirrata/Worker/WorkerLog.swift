import Beanstalk
import Configuration
import Jobs
import Logging
import Provisioning
import Resilience
import Telemetry
import WorkerCore
import World
import YAMLKit

/// Tells the log what goes on beside the jobs: start and end, the broker, the gates of the services.
struct WorkerLog: Sendable {
    let logger: Logger

    init(_ logger: Logger) { self.logger = logger }

    func tell(_ loaded: ConfigurationLoader.Loaded) {
        let configuration = loaded.configuration
        logger.notice(
            "cirrata \(Release.text), configuration \(loaded.path)",
            metadata: [
                "site": "\(configuration.site ?? "")", "broker": "\(configuration.broker)",
                "providers": "\(configuration.providers.map(\.name).joined(separator: ","))",
            ])
        for warning in loaded.warnings { logger.warning("\(warning)") }
    }

    func toldToReload() {
        logger.notice("SIGHUP is ignored: restart the worker to have it read its configuration again")
    }

    /// - Parameter limit: of open files. A job that runs has a connection to the broker, and its requests and child
    ///   processes need some more.
    func tell(openFiles limit: Int, slots: Int) {
        let needed = slots + 1_000
        guard limit < needed else { return }
        logger.warning(
            "only \(limit) files may be open, \(needed) are needed at the most: raise the hard limit (LimitNOFILE=)")
    }

    /// What is wrong with a broker that works.
    func tell(_ statistics: ServerStatistics, of endpoint: Endpoint) {
        if !statistics.binlog.isActive {
            logger.warning(
                "beanstalkd at \(endpoint) keeps no binlog: its jobs are lost when it stops; start it with -b FOLDER")
        }
        if statistics.isDraining {
            logger.warning("beanstalkd at \(endpoint) is draining: it takes no new jobs; restart it")
        }
    }

    func tell(_ notice: WorkerNotice) {
        switch notice {
        case .started(let slots, let destroySlots, let tubes):
            logger.notice(
                "working",
                metadata: [
                    "slots": "\(slots)", "destroy_slots": "\(destroySlots)",
                    "tubes": "\(tubes.joined(separator: ","))",
                ])
        case .broker(let event):
            tell(event)
        case .slotFailed(let why):
            logger.warning("a slot starts over: \(why)")
        case .foreignJob(let tube, let why, let count, let isBuried):
            logger.warning(
                "not ours, \(isBuried ? "buried, as nobody took it for a day" : "put back"): \(why)",
                metadata: ["tube": "\(tube)", "count": "\(count)"])
        case .leaseLost(let job, let why):
            logger.warning("the lease was lost: \(why)", metadata: [LogKeys.job: "\(job)"])
        case .fateUnknown(let job, let why):
            logger.warning("nobody knows whether the broker settled it: \(why)", metadata: [LogKeys.job: "\(job)"])
        case .reportRefused(let job, let why, let report, let isBuried):
            logger.error(
                "the broker took no report, so the job is \(isBuried ? "buried without one" : "not buried"): \(why)",
                metadata: [LogKeys.job: "\(job)", "report": "\(report)"])
        case .shortened(let job, let why):
            logger.warning("a report or reply is shortened: \(why)", metadata: [LogKeys.job: "\(job)"])
        case .replyRefused(let job, let why):
            logger.warning("the broker took no reply: \(why)", metadata: [LogKeys.job: "\(job)"])
        case .delayRefused(let job, let why):
            logger.warning(
                "the broker has no room, so the job goes back without a delay: \(why)",
                metadata: [LogKeys.job: "\(job)"])
        case .brakePulled(let rest):
            let why = "\(rest.burials.counted("burial")) of one cause, the last one: \(rest.message)"
            let until = "no provisions of \(rest.provider) are taken until \(rest.until)"
            logger.critical(
                "the site is at fault, \(until), after \(why); mend it, then `cirrata resume \(rest.provider)`",
                metadata: [LogKeys.provider: "\(rest.provider)", LogKeys.cause: "\(rest.cause)"])
        case .brakeReleased(let provider, let why):
            logger.notice(
                "provisions of \(provider) are taken again: \(why)", metadata: [LogKeys.provider: "\(provider)"])
        case .swept(let report):
            tell(report)
        case .sweepFailed(let why):
            logger.warning("the sweep failed: \(why)")
        case .sweepTokenMended(let why):
            logger.warning("the sweep token was put right: \(why)")
        case .draining(let jobs):
            logger.notice("stopping: no new job is taken", metadata: ["held": "\(jobs)"])
        case .stopped:
            logger.notice("stopped")
        }
    }

    private func tell(_ event: BrokerEvent) {
        switch event {
        case .connected(let endpoint):
            logger.debug("connected to beanstalkd at \(endpoint)")
        case .connectFailed(let error, let attempt, let pause):
            // Several connections try again and again for as long as an outage lasts: 1, 2, 4, 8 … are said.
            let isSaid = attempt & (attempt - 1) == 0
            logger.log(
                level: isSaid ? .warning : .debug, "\(error)",
                metadata: [LogKeys.attempt: "\(attempt)", "pause_ms": "\(pause.nanoseconds / 1_000_000)"])
        case .lost(let error):
            logger.warning("\(error)")
        }
    }

    func tell(_ notice: SiteNotice) {
        switch notice {
        case .gate(let service, let provider, let state):
            var metadata: Logger.Metadata = [LogKeys.service: "\(service)", "state": "\(state.name)"]
            if !provider.isEmpty { metadata[LogKeys.provider] = "\(provider)" }
            switch state {
            case .open: logger.notice("\(service): requests pass again", metadata: metadata)
            case .closedForConfiguration(_, let why):
                logger.critical("\(service): closed until the site is put right: \(why)", metadata: metadata)
            case .paused(_, let why), .broken(_, let why, _):
                logger.warning("\(service): requests are held back: \(why)", metadata: metadata)
            case .noCapacity(_, let why, _):
                logger.notice("\(service): nothing is created for now: \(why)", metadata: metadata)
            }
        case .cloudWarning(let provider, let text):
            logger.warning("\(text)", metadata: [LogKeys.provider: "\(provider)"])
        }
    }
}
