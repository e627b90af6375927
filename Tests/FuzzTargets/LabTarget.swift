import HTTPKit
import Lab
import Resilience
import World

/// Answers of paddles and nsupdate-web to everything that we ask them.
enum LabTarget {
    static func check(_ input: [UInt8]) throws {
        let script = ServiceScript(input)
        try script.run { world in
            // Pauses and the breaker are for services that live longer than one input.
            let gate = Gate(
                service: "lab", provider: "", settings: GateSettings(rate: 0, breakerThreshold: 1_000), world: world)
            let paddles = try PaddlesClient(baseURL: "http://paddles", gate: gate, world: world)
            let nsupdate = try NsupdateClient(
                url: "http://nsupdate/update", login: .perHost(password: ServiceScript.password), gate: gate)
            try await perform(script.operation, paddles, nsupdate)
        }
    }

    private static func perform(
        _ operation: String, _ paddles: PaddlesClient, _ nsupdate: NsupdateClient
    ) async throws {
        let call = Call()
        let node = "ovh001.front.lab.test"
        switch operation {
        case "nsupdate":
            _ = try await nsupdate.set(ShortName("ovh001"), to: .v4(0xC000_0208), for: call)
        case "nsupdate-ping": try await nsupdate.ping(for: call)
        case "node": _ = try await paddles.node(node, for: call)
        case "nodes":
            let nodes = try await paddles.nodes(machineType: "ovh", locked: false, for: call)
            try require(nodes.allSatisfy { $0.machineType == "ovh" && !$0.locked }, "nodes that were not asked for")
        case "update":
            var changes = NodeChanges()
            changes.osType = .set("ubuntu")
            try await paddles.update(node, changes, for: call)
        case "lock": _ = try await paddles.lock(node, owner: "me@host", description: "cirrata:k", for: call)
        case "unlock": _ = try await paddles.unlock(node, owner: "me@host", for: call)
        case "lock-many":
            let answer = try await paddles.lockMany(
                count: 2, owner: "me@host", machineType: "ovh", description: "cirrata:k", for: call)
            if case .locked(let nodes) = answer { try require(nodes.count == 2, "\(nodes.count) nodes for 2") }
        default: try await paddles.ping(for: call)
        }
    }
}
