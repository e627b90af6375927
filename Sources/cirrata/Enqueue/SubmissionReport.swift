import Beanstalk
import HTTPKit
import Jobs
import World

/// Tells what becomes of jobs: a line each, for people or as JSON.
struct SubmissionReport: Sendable {
    let json: Bool

    func put(_ order: Order, _ job: JobID) {
        guard json else { return Terminal.output.line("job \(job): \(order.title)") }
        let members: JSONObject = [
            "event": "put", "action": .string(order.action.rawValue), "uuid": .string(order.uuid),
            "node": order.node.map { .string($0) } ?? .null, "job": .integer(Int(clamping: job.number)),
            "tube": .string(order.tube.text),
        ]
        Terminal.output.line(JSONValue.object(members).text)
    }

    func ended(_ order: Order, _ reply: Jobs.Reply, after duration: Duration) {
        if json { return Terminal.output.line(JSONValue.object(reply.json).text) }
        let node = reply.node.isEmpty ? order.node ?? "(no node)" : reply.node
        let what = "\(order.action.rawValue) \(node): "
        for line in reply.lines(what, after: duration, for: .output) { Terminal.output.line(line) }
    }

    func trouble(_ text: String) { Terminal.errors.line("cirrata: \(text)") }
}
