import Beanstalk
import HTTPKit
import Jobs
import YAMLKit

/// One job that is to be put.
struct Order: Sendable {
    let action: JobAction
    /// The full name; nil when the worker is to find one.
    let node: String?
    let uuid: String
    let tube: TubeName
    private let entries: [(String, Node)]
    /// Set by whoever waits for the outcome.
    var replyTo: TubeName?

    init(action: JobAction, node: String?, uuid: String, tube: TubeName, entries: [(String, Node)]) {
        self.action = action
        self.node = node
        self.uuid = uuid
        self.tube = tube
        self.entries = entries
    }

    var body: [UInt8] {
        let reply = replyTo.map { [("reply_to", Node.string($0.text))] } ?? []
        return JobText(action: action, entries: entries + reply).encoded
    }

    /// Whether a reply is about this job, as far as the job itself says. Without a node any node will do.
    func mayBeMeant(by reply: Jobs.Reply) -> Bool {
        reply.uuid == uuid && reply.action == action.rawValue && (node == nil || reply.node == node)
    }

    /// For people: `provision ovh001.front.lab.test`.
    var title: String { "\(action.rawValue) \(node ?? "(any free node)")" }
}
