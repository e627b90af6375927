package import Jobs
import World

/// The jobs of one scenario, in the order in which they are put, and what stands at its beginning.
package struct Cast: Sendable, Hashable {
    package struct Part: Sendable, Hashable {
        package enum Node: Sendable, Hashable {
            /// Locked by the dispatcher before the job is put.
            case locked
            /// Named by the job, which locks it itself.
            case lockedByJob
            /// The job takes any free one.
            case any
        }

        package var action: JobAction
        package var node: Node
        package var volumes: Int
        package var owner: String
        package var uuid: String
        /// A destroy that unlocks the node at its end.
        package var unlocks: Bool
        /// After the job before it.
        package var after: Duration

        package init(
            _ action: JobAction, node: Node = .locked, volumes: Int = 0, owner: String = Cast.owner, uuid: String,
            unlocks: Bool = false, after: Duration = .zero
        ) {
            self.action = action
            self.node = node
            self.volumes = volumes
            self.owner = owner
            self.uuid = uuid
            self.unlocks = unlocks
            self.after = after
        }
    }

    package static let owner = "me@lab"
    package static let otherOwner = "you@lab"

    package var name: String
    /// A committed node of an older job stands at the beginning, with so many volumes.
    package var standing: Int?
    package var parts: [Part]

    package init(_ name: String, standing: Int? = nil, _ parts: [Part]) {
        self.name = name
        self.standing = standing
        self.parts = parts
    }

    /// One job each: what every request and every effect of it is tried on.
    package static let single: [Cast] = [
        Cast("provision", [Part(.provision, uuid: "p")]),
        Cast("provision, 3 volumes", [Part(.provision, volumes: 3, uuid: "p")]),
        Cast("provision of any node", [Part(.provision, node: .any, uuid: "p")]),
        Cast("provision of any node, 3 volumes", [Part(.provision, node: .any, volumes: 3, uuid: "p")]),
        Cast("provision that locks, 1 volume", [Part(.provision, node: .lockedByJob, volumes: 1, uuid: "p")]),
        Cast("provision where an older one stands", standing: 1, [Part(.provision, volumes: 1, uuid: "p")]),
        Cast("destroy", standing: 0, [Part(.destroy, uuid: "d")]),
        Cast("destroy, 3 volumes, unlock", standing: 3, [Part(.destroy, uuid: "d", unlocks: true)]),
    ]

    /// Several jobs of one node. Their distances are left to chance.
    package static let several: [Cast] = [
        Cast(
            "provision, provision",
            [Part(.provision, volumes: 1, uuid: "b"), Part(.provision, volumes: 1, uuid: "a")]),
        Cast(
            "provision, provision of another owner",
            [Part(.provision, uuid: "a"), Part(.provision, owner: otherOwner, uuid: "b")]),
        Cast(
            "provision, destroy",
            [Part(.provision, volumes: 1, uuid: "b"), Part(.destroy, uuid: "a", unlocks: true)]),
        Cast(
            "destroy, provision", standing: 1,
            [Part(.destroy, uuid: "b"), Part(.provision, volumes: 1, uuid: "a")]),
        Cast(
            "destroy, provision of another owner", standing: 1,
            [Part(.destroy, uuid: "a", unlocks: true), Part(.provision, owner: otherOwner, uuid: "b")]),
        Cast("the same provision twice", [Part(.provision, uuid: "p"), Part(.provision, uuid: "p")]),
        Cast(
            "provision, destroy, provision",
            [
                Part(.provision, volumes: 1, uuid: "c"), Part(.destroy, uuid: "b"),
                Part(.provision, volumes: 1, uuid: "a"),
            ]),
        Cast(
            "destroy, provision, destroy", standing: 1,
            [
                Part(.destroy, uuid: "b"), Part(.provision, volumes: 1, uuid: "c"),
                Part(.destroy, uuid: "a", unlocks: true),
            ]),
        Cast(
            "provision, destroy, provision of another owner",
            [
                Part(.provision, uuid: "a"), Part(.destroy, uuid: "c", unlocks: true),
                Part(.provision, owner: otherOwner, uuid: "b"),
            ]),
    ]
}
