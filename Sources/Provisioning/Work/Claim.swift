import Jobs
import Lab

/// What paddles must say of a node so that a job may work on it.
struct Claim: Sendable, Hashable {
    enum State: Sendable, Hashable {
        /// Locked for the job's owner; `byUs` when it is our own lock, which we may undo.
        case held(byUs: Bool)
        case free
        case taken(by: String, description: String)
    }

    let owner: String
    /// nil: not compared.
    let description: String?
    /// What we write when *we* lock.
    let ownLock: String

    init(_ job: Job) {
        owner = job.owner
        description = job.lockDescription
        ownLock = job.ownLock
    }

    func judge(_ node: NodeRecord) -> State {
        guard node.locked else { return .free }
        guard node.lockedBy == owner else {
            return .taken(by: node.lockedBy ?? "nobody", description: node.description ?? "")
        }
        if node.description == ownLock { return .held(byUs: true) }
        guard let description, node.description != description else { return .held(byUs: false) }
        return .taken(by: owner, description: node.description ?? "")
    }

    /// Why a node is not the job's: it is locked by another owner, or by the same one for something else.
    func refusal(of node: String, lockedBy owner: String, _ description: String) -> String {
        let detail = description.isEmpty ? "" : " (\(description))"
        let wanted = owner == self.owner ? self.description.map { "\(self.owner) (\($0))" } : nil
        return "\(node) is locked by \(owner)\(detail), not for \(wanted ?? self.owner)"
    }

    /// What is written at the commit point in place of our own lock's description.
    var finalDescription: String { description ?? "provisioned by \(ownLock)" }
}
