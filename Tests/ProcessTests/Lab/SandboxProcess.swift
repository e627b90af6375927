import EventLoop
import HTTPKit
import TestSupport
import World

/// A `cirrata sandbox` that runs, and what can be done to it.
struct SandboxProcess: Sendable {
    /// `http://127.0.0.1:43210`
    let root: String
    let dnsPort: UInt16
    /// Where every address of 127.0.0.0/8 greets as an sshd would.
    let sshPort: UInt16
    private let world: World

    static func start(
        _ options: LabOptions, in folder: String, _ programs: Programs, _ world: World
    ) async throws -> SandboxProcess {
        let path = "\(folder)/sandbox.json"
        try await world.files.write(path, options.json.bytes, mode: 0o600)
        let child = try await programs.start(
            "sandbox", ["sandbox", "--settings", path, "--port", "0", "--dns-port", "0", "--ssh-banner", "0"])
        return try await world.time.withTimeout(.seconds(30), doing: "wait for the Sandbox") {
            let root = try await child.waitForLine(containing: "sandbox: ").dropFirst("sandbox: ".count)
            return SandboxProcess(
                root: String(root), dnsPort: try port(in: await child.waitForLine(containing: "dns: ")),
                sshPort: try port(in: await child.waitForLine(containing: "ssh: ")), world: world)
        }
    }

    private static func port(in line: String) throws -> UInt16 {
        guard let port = line.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw LabFailure(description: "no port in “\(line)”")
        }
        return port
    }

    /// What there is now.
    func state() async throws -> LabState { LabState(json: try await ask(.get, "/state")) }

    /// Does something behind everybody's back (`POST /sandbox/control`).
    func control(_ command: JSONValue) async throws { _ = try await ask(.post, "/control", command) }

    /// Locks a node as teuthology's dispatcher does.
    func lock(_ nodes: [String]) async throws {
        let commands = nodes.map { node -> JSONValue in
            [
                "do": "set-node", "name": .string("\(node).\(LabProcesses.domain)"),
                "fields": [
                    "locked": true, "locked_by": .string(LabProcesses.owner),
                    "description": .string(LabProcesses.lockDescription),
                ],
            ]
        }
        try await control(.array(commands))
    }

    /// Makes a fault rule.
    /// - Returns: its id.
    func fault(_ rule: JSONValue) async throws -> Int {
        guard let id = try await ask(.post, "/faults", rule)["ids"]?.array?.first?.integer else {
            throw LabFailure(description: "the Sandbox made no fault of \(rule.text)")
        }
        return id
    }

    func removeFaults() async throws { _ = try await ask(.delete, "/faults") }

    /// Waits until a fault has struck: a request that it matches is under way. The Sandbox does not tell by itself.
    func struck(_ fault: Int, within limit: Duration = .seconds(30)) async throws {
        try await world.time.withTimeout(limit, doing: "wait until fault \(fault) strikes") {
            while try await strikes(fault) == 0 { try await world.time.sleep(for: .milliseconds(10)) }
        }
    }

    private func strikes(_ fault: Int) async throws -> Int {
        let rules = try await ask(.get, "/faults").array ?? []
        return rules.first { $0["id"]?.integer == fault }?["struck"]?.integer ?? 0
    }

    private func ask(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let request = HTTPRequest(method, "\(root)/sandbox\(path)", body: body?.bytes ?? [])
        let response = try await world.http.execute(request)
        guard response.status == 200 else {
            throw LabFailure(description: "\(method.rawValue) \(request.url): \(response.status) \(response.text)")
        }
        return try JSONValue(parsing: response.body)
    }
}
