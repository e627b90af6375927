import HTTPKit
import OpenStack
import Resilience
import World

/// Answers of OpenStack's services to everything that we ask them.
enum OpenStackTarget {
    static func check(_ input: [UInt8]) throws {
        let script = ServiceScript(input)
        let logsIn = script.operation.hasPrefix("login")
        let usesV2 = script.operation == "login-v2"
        try script.run(prepared: { logsIn ? nil : login($0) }) { world in
            let cloud = Self.cloud(world, usesV2: usesV2)
            try await perform(script.operation, cloud)
        }
    }

    private static func perform(_ operation: String, _ cloud: Cloud) async throws {
        let call = Call()
        switch operation {
        case "login", "login-v2": _ = try await cloud.images.active(for: call)
        case "create-server":
            let new = NewServer(name: "ovh001", imageID: "i", flavorID: "f", networkIDs: ["n"])
            let created = try await cloud.compute.createServer(new, for: call)
            _ = try await cloud.compute.server(created.id, for: call)
        case "server":
            _ = try await cloud.compute.server("s1", for: call)
        case "servers":
            _ = try await cloud.compute.servers(for: call)
        case "changes": _ = try await cloud.compute.servers(changedSince: Timestamp(seconds: 0), for: call)
        case "delete-server": _ = try await cloud.compute.deleteServer("s1", for: call)
        case "console": _ = try await cloud.compute.consoleTail("s1", lines: 20, for: call)
        case "attach":
            _ = try await cloud.compute.attach(volume: "v1", to: "s1", for: call)
            _ = try await cloud.compute.detach(volume: "v1", from: "s1", for: call)
        case "flavors": _ = try await cloud.inventory.flavors(for: call)
        case "zones": _ = try await cloud.inventory.zones(for: call)
        case "limits":
            _ = try await cloud.compute.limits(for: call)
            _ = try await cloud.blockStorage.limits(for: call)
        case "images":
            let images = try await cloud.inventory.images(for: call)
            try require(images.allSatisfy { $0.status == "active" }, "images that are not active")
        case "networks": _ = try await cloud.inventory.networks(for: call)
        case "groups": _ = try await cloud.inventory.securityGroups(for: call)
        case "create-volume":
            let volume = try await cloud.blockStorage.createVolume(NewVolume(name: "ovh001_0", size: 10), for: call)
            _ = try await cloud.blockStorage.volume(volume.id, for: call)
        case "volumes":
            _ = try await cloud.blockStorage.volumes(for: call)
        case "delete-volume":
            _ = try await cloud.blockStorage.deleteVolume("v1", for: call)
            _ = try await cloud.blockStorage.attachmentIDs(ofVolume: "v1", for: call)
        default: _ = try await cloud.probe(for: call)
        }
    }

    private static func cloud(_ world: World, usesV2: Bool) -> Cloud {
        let settings = CloudSettings(
            provider: "ovh", authURL: "http://cloud/identity",
            identityVersion: usesV2 ? .v2 : .v3,
            credential: .password(
                user: Principal(name: "cirrata", domainID: "default"),
                password: CloudSecret { ServiceScript.password },
                project: Principal(name: "lab", domainID: "default")),
            region: "GRA1")
        // Pauses and the breaker are for services that live longer than one input.
        let gates = CloudGates(
            provider: "ovh", settings: { _ in GateSettings(rate: 0, breakerThreshold: 1_000) }, world: world)
        return Cloud(settings: settings, gates: gates, world: world)
    }

    /// A login that succeeds, for inputs that are about something else.
    private static func login(_ request: HTTPRequest) -> HTTPResponse? {
        guard request.url.hasSuffix("/v3/auth/tokens") else { return nil }
        let services = [
            ("compute", "/compute/v2.1"), ("image", "/image"), ("network", "/network"), ("block-storage", "/volume/v3"),
        ]
        let catalog = services.map { type, path -> JSONValue in
            [
                "type": .string(type),
                "endpoints": [["interface": "public", "region": "GRA1", "url": .string("http://cloud\(path)")]],
            ]
        }
        let token: JSONValue = [
            "token": [
                "expires_at": "2036-01-01T00:00:00.000000Z", "project": ["id": "p1"], "catalog": .array(catalog),
            ]
        ]
        return HTTPResponse(status: 201, headers: ["X-Subject-Token": ServiceScript.token], body: token.bytes)
    }
}
