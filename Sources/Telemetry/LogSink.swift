package import Logging
package import Pipelines
import Resilience
import World

/// Tells the log what the jobs do, from the same events that the report is made of.
package struct LogSink: EventSink {
    private let logger: Logger

    package init(logger: Logger) {
        self.logger = logger
    }

    package func record(_ record: EventRecord) {
        let (level, message, details) = Self.describe(record.event)
        guard level >= logger.logLevel else { return }
        var metadata: Logger.Metadata = [
            LogKeys.key: "\(record.job.key)", LogKeys.action: "\(record.job.action)",
            LogKeys.node: "\(record.job.node)", LogKeys.provider: "\(record.job.provider)",
        ]
        if record.job.jobID != 0 { metadata[LogKeys.job] = "\(record.job.jobID)" }
        if !record.job.run.isEmpty { metadata[LogKeys.run] = "\(record.job.run)" }
        for (key, value) in details { metadata[key] = "\(value)" }
        logger.log(level: level, "\(message)", metadata: metadata)
    }

    private typealias Line = (Logger.Level, String, [(String, String)])

    private static func describe(_ event: Event) -> Line {
        switch event {
        case .stepStarted(let step, let attempt):
            return (
                attempt == 1 ? .info : .notice, attempt == 1 ? "\(step)" : "\(step): again",
                [(LogKeys.step, step), (LogKeys.attempt, "\(attempt)")]
            )
        case .stepFinished(let step, let attempt, let took, let summary):
            return (
                .info, "\(step): \(summary)",
                [(LogKeys.step, step), (LogKeys.attempt, "\(attempt)"), milliseconds(took)]
            )
        case .attemptFailed(
            let step, let attempt, let took, let error, let cause, let status, let requestID, let retryIn):
            let next = retryIn.map { "; again in \($0.short)" } ?? ""
            var details = [
                (LogKeys.step, step), (LogKeys.attempt, "\(attempt)"), (LogKeys.cause, cause), milliseconds(took),
            ]
            if let status { details.append((LogKeys.status, "\(status)")) }
            if let requestID { details.append((LogKeys.requestID, requestID)) }
            return (.warning, "\(step): \(error)\(next)", details)
        case .request(let step, let request):
            return describe(step, request)
        case .created(let step, let resource, let name, let id):
            return (.notice, "\(step): created \(resource) \(name)", resourceDetails(step, resource, id))
        case .adopted(let step, let resource, let name, let id):
            return (.notice, "\(step): found \(resource) \(name)", resourceDetails(step, resource, id))
        case .removed(let step, let resource, let name, let id):
            return (.notice, "\(step): removed \(resource) \(name)", resourceDetails(step, resource, id))
        case .left(let step, let resource, let name, let id, let why):
            return (.error, "\(step): cannot remove \(resource) \(name): \(why)", resourceDetails(step, resource, id))
        case .warning(let step, let text):
            return (.warning, step.isEmpty ? text : "\(step): \(text)", [(LogKeys.step, step)])
        case .note(let step, let text):
            return (.info, step.isEmpty ? text : "\(step): \(text)", [(LogKeys.step, step)])
        case .ended(let outcome, let took):
            return describe(outcome, took)
        }
    }

    private static func describe(_ step: String, _ request: RequestRecord) -> Line {
        var details = [
            (LogKeys.step, step), (LogKeys.service, request.service), (LogKeys.request, request.request),
            milliseconds(request.took), (LogKeys.waited, "\(request.waited.nanoseconds / 1_000_000)"),
        ]
        if let status = request.status { details.append((LogKeys.status, "\(status)")) }
        if let requestID = request.requestID { details.append((LogKeys.requestID, requestID)) }
        let failure = request.failure.map { ": \($0)" } ?? ""
        return (.debug, "\(request.service): \(request.operation)\(failure)", details)
    }

    private static func describe(_ outcome: Outcome, _ took: Duration) -> Line {
        let level: Logger.Level =
            outcome.kind.isBuried ? .error : outcome.kind == .retry || outcome.kind == .leaseLost ? .warning : .notice
        var message = outcome.kind.rawValue
        if !outcome.message.isEmpty { message += ": \(outcome.message)" }
        if !outcome.next.isEmpty { message += " (\(outcome.next))" }
        var details = [(LogKeys.step, outcome.step), (LogKeys.cause, outcome.cause), milliseconds(took)]
        if let status = outcome.status { details.append((LogKeys.status, "\(status)")) }
        if let requestID = outcome.requestID { details.append((LogKeys.requestID, requestID)) }
        return (level, message, details)
    }

    private static func resourceDetails(_ step: String, _ resource: String, _ id: String) -> [(String, String)] {
        [(LogKeys.step, step), (LogKeys.resource, resource), (LogKeys.id, id)]
    }

    private static func milliseconds(_ duration: Duration) -> (String, String) {
        (LogKeys.milliseconds, "\(duration.nanoseconds / 1_000_000)")
    }
}
