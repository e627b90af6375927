import Jobs
import Pipelines
import World

/// What events tell, as a report has it.
struct ReportStory: Sendable {
    private(set) var steps: [Report.StepStory] = []
    private(set) var created: [String] = []
    private(set) var removed: [String] = []
    private(set) var warnings: [String] = []
    private(set) var console = ""

    init(_ events: [EventRecord]) {
        for record in events {
            switch record.event {
            case .stepFinished(let step, let attempt, let took, let summary):
                let index = index(of: step)
                steps[index].summary = summary
                steps[index].attempts.append(
                    .init(
                        number: attempt, at: record.at, took: took, error: "", cause: "", status: nil, requestID: nil))
            case .attemptFailed(let step, let attempt, let took, let error, let cause, let status, let requestID, _):
                steps[index(of: step)].attempts.append(
                    .init(
                        number: attempt, at: record.at, took: took, error: error, cause: cause, status: status,
                        requestID: requestID))
            case .created(_, let resource, let name, let id): created.append("\(resource) \(name) \(id)")
            case .removed(_, let resource, let name, let id): removed.append("\(resource) \(name) \(id)")
            case .warning(_, let text): warnings.append(text)
            case .note(_, let text) where text.hasPrefix("console of "): console = String(text.suffix(3_000))
            case .stepStarted, .request, .adopted, .left, .note, .ended: break
            }
        }
    }

    private mutating func index(of step: String) -> Int {
        if let index = steps.lastIndex(where: { $0.step == step }) { return index }
        steps.append(Report.StepStory(step: step, summary: "", attempts: []))
        return steps.count - 1
    }
}
