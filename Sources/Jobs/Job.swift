package import World
package import YAMLKit

package enum JobAction: String, Sendable, Hashable, CaseIterable {
    case provision
    case destroy
}

/// A provision or destroy job: what its body asks for, with what the broker knows of it.
package struct Job: Sendable, Hashable {
    package var action: JobAction
    /// Absent in a provision: one is to be locked in paddles.
    package var node: NodeName?
    /// The entry of `libcloud.providers`, equal to paddles' `machine_type`.
    package var provider: String
    package var osType: String?
    /// The source text: `22.10` never becomes `22.1`.
    package var osVersion: String?
    package var owner: String
    /// Part of the claim; nil: not compared.
    package var lockDescription: String?
    /// The body's `openstack`, `machine` and `volumes`, for the merge of sizes.
    package var wishes: SizeWishes
    package var lock: Bool
    package var unlock: Bool
    package var replyTo: String?
    package var uuid: String?
    /// The test run and its job, when a teuthology body names them.
    package var runName: String
    package var runJob: String
    package var expire: Timestamp?
    package var order: JobOrder

    package init(
        action: JobAction, node: NodeName?, provider: String, osType: String? = nil, osVersion: String? = nil,
        owner: String, lockDescription: String? = nil, wishes: SizeWishes = SizeWishes(), lock: Bool = false,
        unlock: Bool = false, replyTo: String? = nil, uuid: String? = nil, runName: String = "",
        runJob: String = "", expire: Timestamp? = nil, order: JobOrder
    ) {
        self.action = action
        self.node = node
        self.provider = provider
        self.osType = osType
        self.osVersion = osVersion
        self.owner = owner
        self.lockDescription = lockDescription
        self.wishes = wishes
        self.lock = lock
        self.unlock = unlock
        self.replyTo = replyTo
        self.uuid = uuid
        self.runName = runName
        self.runJob = runJob
        self.expire = expire
        self.order = order
    }

    /// What identifies the job over redeliveries.
    package var key: String { order.key }
    /// The description under which *we* lock a node, so that a lost answer is found again.
    package var ownLock: String { Self.ownLock(key: key) }

    package static func ownLock(key: String) -> String { "\(ownLockPrefix)\(key)" }

    /// The key of the job that locked a node itself; nil when the description is somebody else's.
    package static func key(ofOwnLock description: String) -> String? {
        guard description.hasPrefix(ownLockPrefix), description.utf8.count > ownLockPrefix.utf8.count else {
            return nil
        }
        return String(description.dropFirst(ownLockPrefix.count))
    }

    private static let ownLockPrefix = "cirrata:"

    /// `RUN/JOB` of teuthology, or whichever of the two there is.
    package var run: String { [runName, runJob].filter { !$0.isEmpty }.joined(separator: "/") }
}

/// Size wishes as the body states them: teuthology merges them with the site's by taking the larger value.
package struct SizeWishes: Sendable, Hashable {
    package var openstack: Node?
    package var machine: Node?
    package var volumes: Node?

    package init(openstack: Node? = nil, machine: Node? = nil, volumes: Node? = nil) {
        self.openstack = openstack
        self.machine = machine
        self.volumes = volumes
    }
}
