import HTTPKit
import World

@testable import Sandbox

/// What happened between the exchanges that were kept: every sixth was not, and a real cloud's administrator set
/// quotas and faults.
extension CloudReplay {
    /// Who sent it; the recordings say TOKEN for every token.
    static func sender(_ number: Int) -> String {
        switch number {
        case 31: "revoked"
        case 43: "norole"
        case 44, 214: "stranger"
        case 604...611, 700: "second"
        default: "teuthology"
        }
    }

    private static let main = "db556c62-f9fd-4a04-9964-5a77a9eeafee"

    mutating func prepare(_ number: Int) {
        switch number {
        case 124: ask(.nova, .post, "/v2.1/servers/\(Self.main)/metadata", ["metadata": ["test": "yes"]])
        case 136, 285, 328: wait(.seconds(10))
        case 182: for index in 1...2 { create("extra-\(index)") }
        case 187:
            var quotas = CloudQuotas()
            quotas.instances = 30
            quotas.cores = 60
            cloud.setQuotas(quotas)
        case 192: cloud.plan(server: .spawnFails("injected fault: nova.spawn"))
        case 198: cloud.plan(server: .hostsExhausted)
        case 205:
            create("slow", as: "ade61b40-364e-4466-9d44-e43e3ff9fa4b")
            // Beyond the middle of spawning, where the ports are.
            wait(.seconds(3))
        case 282: cloud.plan(volume: .createFails)
        case 289:
            let body: JSONValue = ["volume": ["size": 1, "name": "v-fault-cinder-delete-volume"]]
            name(
                ask(.cinder, .post, "/v3/\(Self.project)/volumes", body)["volume"]?["id"]?.string,
                as: "ca8439cd-b2af-4f2e-ae3f-29474f0da417")
        case 291: cloud.plan(volume: .deleteFails)
        case 298: failAttach("2bb8b451-737c-430a-9cbe-bb2e8ab818f5")
        case 303: failAttach("06adecb6-384c-4dfb-9883-296726d14c08")
        case 310: cloud.plan(server: .destroyFails)
        case 337:
            ask(.cinder, .delete, "/v3/\(Self.project)/volumes/b0396193-6dfd-4986-b60b-839a17e75e92")
        case 347, 520: clear()
        case 405: create("base", as: "725065ef-287d-4b33-9311-4991e687a9ef")
        case 421: cloud.setLock(true, ofServer: ours("725065ef-287d-4b33-9311-4991e687a9ef"))
        case 433: addNetwork("46b5d93b-c2c3-45bd-888d-3257efccb635", "Second-Net", "10.99.0.0/30", Self.project)
        case 462:
            var quotas = CloudQuotas()
            quotas.ports = 1
            cloud.setQuotas(quotas)
        case 467:
            cloud.setQuotas(.roomy)
            cloud.plan(server: .noValidHost)
        case 604:
            addNetwork("a90317db-22db-463f-9bcc-23d7b70e63e0", "loop", "127.20.0.0/16", Self.secondProject)
        case 609: createMany()
        case 611:
            let page = ask(.nova, .get, "/v2.1/servers?limit=4", as: "second")["servers"]?.array
            name(page?.last?["id"]?.string, as: "788ab555-eb01-4065-9ce6-66b0ca4c15ca")
        case 700: startDetaching()
        default: break
        }
    }

    private mutating func create(_ name: String, as recorded: String? = nil) {
        let body: JSONValue = [
            "server": [
                "name": .string(name), "flavorRef": "564ef7db-505b-472c-8e9a-724e3c63cbbe",
                "imageRef": "546fbbbf-f93b-4b1d-be88-ed46ea54fd18", "networks": [["uuid": .string(Self.network)]],
            ]
        ]
        let id = ask(.nova, .post, "/v2.1/servers", body)["server"]?["id"]?.string
        if let recorded { self.name(id, as: recorded) }
    }

    /// An attach that is answered 200 and undone.
    private mutating func failAttach(_ volume: String) {
        cloud.plan(volume: .attachFails)
        ask(
            .nova, .post, "/v2.1/servers/\(Self.main)/os-volume_attachments",
            ["volumeAttachment": ["volumeId": .string(ours(volume))]])
    }

    private mutating func addNetwork(_ id: String, _ name: String, _ cidr: String, _ project: String) {
        cloud.add(CloudNetwork(id: id, name: name, subnet: cloud.newID(), cidr: cidr, project: project))
    }

    private mutating func createMany() {
        for server in cloud.snapshot(at: now).servers { cloud.removeServer(server.id, at: now) }
        let body: JSONValue = [
            "server": [
                "name": "many", "flavorRef": "4b2471fc-1b4a-4c38-86ea-362e9166f34a",
                "imageRef": "3bfe0e88-9df4-49ce-9fcb-2e7ef0136f22", "networks": [["uuid": .string(Self.network)]],
                "max_count": 10, "min_count": 10,
            ]
        ]
        ask(.nova, .post, "/v2.1/servers", body, as: "second")
        wait(.seconds(20))
    }

    private mutating func startDetaching() {
        let server = cloud.addServer(named: "again", project: Self.secondProject, at: now) ?? ""
        let volume = cloud.addVolume(named: "again", attachedTo: server, at: now) ?? ""
        name(server, as: "27f7efe5-4826-44e1-b210-de3995586011")
        name(volume, as: "5187856f-48d5-4b2d-8c67-ecb3d5a285da")
        ask(.nova, .delete, "/v2.1/servers/\(server)/os-volume_attachments/\(volume)", as: "second")
    }

    private mutating func clear() {
        let left = cloud.snapshot(at: now)
        for server in left.servers { cloud.removeServer(server.id, at: now) }
        for volume in left.volumes { cloud.removeVolume(volume.id, at: now) }
    }
}
