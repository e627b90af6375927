import Pipelines
import Resilience
import World

/// The lines of a job's story: what is said for good, and what is going on right now.
struct StepLines {
    struct Line {
        var style: Terminal.Style?
        var mark: String
        var text: String
    }

    /// The step that runs.
    private(set) var step = ""
    private(set) var since: Timestamp?
    /// The latest request of it.
    private(set) var request = ""
    private let showsRequests: Bool

    init(showsRequests: Bool) { self.showsRequests = showsRequests }

    mutating func lines(of record: EventRecord) -> [Line] {
        switch record.event {
        case .stepStarted(let step, let attempt):
            if attempt == 1 { since = record.at }
            self.step = step
            request = ""
            return []
        case .stepFinished(let step, _, let took, let summary):
            self.step = ""
            return [Line(style: .green, mark: "ok", text: Self.columns(step, took, summary))]
        case .attemptFailed(let step, _, let took, let error, _, _, _, let retryIn):
            let again = retryIn.map { "; again in \($0.short)" } ?? ""
            if retryIn == nil { self.step = "" }
            return [
                Line(
                    style: retryIn == nil ? .red : .yellow, mark: retryIn == nil ? "failed" : "again",
                    text: Self.columns(step, took, error + again))
            ]
        case .request(_, let request):
            self.request = "\(request.service): \(request.operation)"
            guard showsRequests else { return [] }
            let status = request.status.map { " \($0)" } ?? ""
            let failure = request.failure.map { ": \($0)" } ?? ""
            return [Line(style: .dim, mark: "", text: "\(request.request)\(status) \(request.took.short)\(failure)")]
        case .created(_, let resource, let name, let id):
            return [Line(style: nil, mark: "+", text: "\(resource) \(name) \(id)")]
        case .adopted(_, let resource, let name, let id):
            return [Line(style: nil, mark: "=", text: "\(resource) \(name) \(id)")]
        case .removed(_, let resource, let name, let id):
            return [Line(style: nil, mark: "-", text: "\(resource) \(name) \(id)")]
        case .left(_, let resource, let name, let id, let why):
            return [Line(style: .red, mark: "left", text: "\(resource) \(name) \(id): \(why)")]
        case .warning(_, let text):
            return [Line(style: .yellow, mark: "warning", text: text)]
        case .note(_, let text):
            return text.split(separator: "\n").map { Line(style: .dim, mark: "", text: String($0)) }
        case .ended:
            step = ""
            return []
        }
    }

    private static func columns(_ step: String, _ took: Duration, _ text: String) -> String {
        padded(step, to: 15) + padded(took.short, to: 7) + text
    }

    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
