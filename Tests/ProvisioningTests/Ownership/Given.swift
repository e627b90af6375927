import Jobs
import Provisioning
import World

@testable import OpenStack

/// When the job of these tests was put: seconds count from here.
let jobPut = Timestamp(seconds: 1_700_000_000)

extension Ownership {
    static func of(
        _ key: String, site: String = "lab", node: String = "ovh001", putAt second: Int = 0, spec: String = "spec"
    ) -> Ownership {
        Ownership(
            site: site, key: key, node: node, put: jobPut + .seconds(second), owner: "me", lock: "", spec: spec)
    }
}

extension Server {
    static func of(
        _ id: String, _ ownership: Ownership? = nil, name: String = "ovh001", status: ServerStatus = .active,
        taskState: String? = nil, createdAt second: Int? = 10, mac: String? = nil
    ) -> Server {
        Server(
            id: id, name: name, status: status, taskState: taskState, metadata: ownership?.metadata ?? [:],
            created: second.map { jobPut + .seconds($0) },
            addresses: [ServerAddress(address: "192.0.2.8", mac: mac)], volumeIDs: [])
    }
}

extension Volume {
    static func of(
        _ id: String, _ ownership: Ownership? = nil, name: String = "ovh001_0", attachedTo servers: [String] = []
    ) -> Volume {
        Volume(
            id: id, name: name, status: servers.isEmpty ? .available : .inUse, size: 10,
            metadata: ownership?.metadata ?? [:], attachments: servers.map { Attachment(serverID: $0) })
    }
}
