import OrderedCollections
import World

/// A server as Nova's database knows it.
struct CloudServer: Sendable, Hashable {
    /// `OS-EXT-STS:vm_state`; with the task it makes the status (nova api/openstack/common.py).
    enum VMState: String, Sendable {
        case building, active, stopped, error, deleted
        case softDeleted = "soft-delete"
    }

    struct Fault: Sendable, Hashable {
        var code: Int
        var message: String
        var created: Timestamp
    }

    /// An interface that the request asked for.
    struct Interface: Sendable, Hashable {
        var network: String
        var fixedAddress: UInt32?
    }

    struct Disk: Sendable, Hashable {
        var device: String
        var attachment: String
        var blockDevice: String
        var deleteOnTermination: Bool
    }

    let id: String
    var name: String
    let project: String
    let user: String
    var created: Timestamp
    var updated: Timestamp
    var state = VMState.building
    var task: String? = "scheduling"
    var metadata: [String: String]
    var flavor: CloudFlavor
    /// nil: booted from a volume.
    var image: String?
    var interfaces: [Interface]
    var securityGroups: [String]
    var userData: String?
    var keyName: String?
    var configDrive: Bool
    /// The zone that was asked for.
    var zone: String?
    var adminPassword: String
    /// Set once a host has taken the server.
    var hostID = ""
    var launched: Timestamp?
    var terminated: Timestamp?
    var ports: [String] = []
    /// What Nova shows as addresses: its copy of the ports, made once the server is ACTIVE and not always up to date.
    var shownPorts: [CloudPort] = []
    /// By volume id.
    var disks: OrderedDictionary<String, Disk> = [:]
    var fault: Fault?
    var isLocked = false
    /// What it boots from, if not from an image.
    var rootVolume: ServerWish.RootVolume?
    /// What was planned for its build (see `ServerFault`).
    var plannedFault: ServerFault?
    /// Deletion was asked for while it was being built.
    var deletesAfterBuild = false
    /// Counts what makes earlier events meaningless.
    var generation = 0
    /// 404 by id; kept for lists with `changes-since`.
    var isGone = false

    var status: String {
        switch state {
        case .building: "BUILD"
        case .active: task == "rebooting" ? "REBOOT" : task == "rebuilding" ? "REBUILD" : "ACTIVE"
        case .stopped: "SHUTOFF"
        case .error: "ERROR"
        case .deleted: "DELETED"
        case .softDeleted: "SOFT_DELETED"
        }
    }

    /// `OS-EXT-STS:power_state`: 0 none, 1 running, 4 shut down.
    var powerState: Int {
        switch state {
        case .active: 1
        case .stopped, .softDeleted: 4
        case .error: launched == nil ? 0 : 1
        case .building, .deleted: 0
        }
    }

    /// The device of the next volume: of the name that was asked for only the letter counts, as the hypervisor's bus
    /// decides the rest (recording 246), and only if it is free. The root disk is `sda`, be it local or a volume.
    func device(asked: String? = nil) -> String {
        let taken = disks.values.map(\.device)
        let letters = (asked?.suffix(1) ?? "") + "bcdefghijklmnopqrstuvwxyz"
        return letters.lazy.map { "/dev/sd\($0)" }.first { !taken.contains($0) && $0 != "/dev/sda" } ?? "/dev/sdz"
    }
}
