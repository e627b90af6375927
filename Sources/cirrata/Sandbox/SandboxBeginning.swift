import ArgumentParser
import HTTPKit
import Sandbox
import World

/// What a Sandbox holds at its beginning: a settings file, and options that are stronger.
struct SandboxBeginning: ParsableArguments {
    @Option(
        help: ArgumentHelp("A JSON file of settings; the options below are stronger.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var settings: String?

    @Option(help: "Decides every id, address and token.")
    var seed: Int?

    @Option(
        help: ArgumentHelp("How long a server takes to become ACTIVE.", valueName: "duration"),
        transform: ArgumentText.duration)
    var boot: Duration?

    @Option(
        help: ArgumentHelp(
            "Nodes that paddles knows: ovh:20 is ovh001 to ovh020. May be repeated.", valueName: "type:count"),
        transform: NodeGroup.init)
    var nodes: [NodeGroup] = []

    @Option(help: "The lab's domain.")
    var domain: String?

    @Option(help: ArgumentHelp("The network that servers get addresses of.", valueName: "network"))
    var addresses: String?

    @Option(
        help: ArgumentHelp(
            "A quota: instances, cores, ram, ports, volumes, gigabytes. May be repeated.", valueName: "name=number"),
        transform: Quota.init)
    var quota: [Quota] = []

    struct NodeGroup: Sendable {
        let json: JSONValue

        init(_ text: String) throws {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, let count = Int(parts[1]), count >= 0 else {
                throw ValidationError("expected TYPE:COUNT, such as ovh:20")
            }
            json = ["machine_type": .string(String(parts[0])), "count": .integer(count)]
        }
    }

    struct Quota: Sendable {
        let name: String
        let limit: Int

        init(_ text: String) throws {
            let parts = text.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, let limit = Int(parts[1]) else {
                throw ValidationError("expected NAME=NUMBER, such as instances=10")
            }
            name = String(parts[0])
            self.limit = limit
        }
    }

    /// - Throws: `Complaint`, `FileFailure`.
    func settings(_ world: World) async throws -> SandboxSettings {
        var members: JSONObject = [:]
        if let settings { members = try Self.object(try await world.files.read(settings, limit: 1 << 20), settings) }
        if let seed { members["seed"] = .integer(seed) }
        if let boot { members["boot"] = .number(boot.seconds) }
        if !nodes.isEmpty { members["nodes"] = .array(nodes.map(\.json)) }
        if let domain { members["domain"] = .string(domain) }
        if let addresses { members["addresses"] = .string(addresses) }
        if !quota.isEmpty {
            var quotas = members["quotas"]?.object ?? [:]
            for quota in quota { quotas[quota.name] = .integer(quota.limit) }
            members["quotas"] = .object(quotas)
        }
        do throws(SandboxMistake) {
            return try SandboxSettings(json: .object(members))
        } catch {
            throw Complaint("\(error)", .usage)
        }
    }

    private static func object(_ bytes: [UInt8], _ path: String) throws -> JSONObject {
        do {
            if let object = try JSONValue(parsing: bytes).object { return object }
        } catch {
            throw Complaint("\(path): \(error)", .usage)
        }
        throw Complaint("\(path): expected a JSON object of settings", .usage)
    }
}
