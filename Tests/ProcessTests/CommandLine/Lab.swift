import CurlHTTP
import EventLoop
import Glibc
import HTTPKit
import TestSupport
import World

/// A whole lab of real processes: beanstalkd with a binlog, `cirrata sandbox`, and a configuration for both.
struct Lab: Sendable {
    let world: World
    let children: SystemChildren
    let folder: String
    let broker: Beanstalkd
    /// `http://127.0.0.1:PORT`
    let sandbox: String

    static let domain = "front.lab.test"
    var configuration: String { "\(folder)/worker.yaml" }

    /// Runs `body` in a lab of its own. Nothing of it is left afterwards.
    /// - Parameters:
    ///   - boot: seconds that a server takes to become ACTIVE.
    ///   - binlog: whether the broker keeps one.
    static func with<Result: Sendable>(
        boot: Double = 0.3, binlog: Bool = true, _ body: @escaping @Sendable (Lab) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryFolder { folder in
            try await withLiveWorld(http: { try await CurlTransport(loop: $0) }) { world in
                try await withBeanstalkd(.init(binlog: binlog ? folder : nil), in: world) { broker in
                    try await start(world, folder, broker, boot, body)
                }
            }
        }
    }

    private static func start<Result: Sendable>(
        _ world: World, _ folder: String, _ broker: Beanstalkd, _ boot: Double,
        _ body: @escaping @Sendable (Lab) async throws -> Result
    ) async throws -> Result {
        guard let loop = world.executor as? EventLoop else { throw LabTrouble(description: "not a live World") }
        let children = try SystemChildren(loop: loop, environment: world.host.environment)
        let settings = """
            {"domain": "\(domain)", "addresses": "127.77.0.0/16", "boot": \(boot),
             "nodes": [{"machine_type": "ovh", "count": 5}],
             "timings": {"deleting": 0.1, "volume_creating": 0.1, "volume_attaching": 0.1, "volume_detaching": 0.1,
                         "volume_deleting": 0.1, "volume_reserved": 0.1}}
            """
        try await world.files.write("\(folder)/sandbox.json", Array(settings.utf8), mode: 0o600)
        return try await withChild(
            children, ["sandbox", "--port", "0", "--dns-port", "0", "--settings", "\(folder)/sandbox.json"]
        ) { child in
            let root = try await child.waitForLine(containing: "sandbox: ").dropFirst("sandbox: ".count)
            let dns = try await child.waitForLine(containing: "dns: ").dropFirst("dns: ".count)
            let lab = Lab(world: world, children: children, folder: folder, broker: broker, sandbox: String(root))
            try await world.files.write(
                lab.configuration, Array(lab.site(broker.port, dns: String(dns)).utf8), mode: 0o600)
            return try await body(lab)
        }
    }

    private func site(_ port: UInt16, dns: String) -> String {
        """
        lab_domain: \(Self.domain)
        lock_server: \(sandbox)/paddles/
        nsupdate_url: \(sandbox)/nsupdate/update
        queue_host: 127.0.0.1
        queue_port: \(port)
        site: process-tests
        dns: {server: "\(dns)"}
        ssh: {check_port: false, check_host_keys: false, check_sentinel: false}
        libcloud:
          providers:
            ovh:
              allow_networks: [Ext-Net$]
              driver: openstack
              driver_args:
                username: cirrata
                password: secret
                ex_force_auth_url: \(sandbox)/identity
                ex_force_auth_version: 3.x_password
                ex_tenant_name: lab
                ex_domain_name: Default
                ex_force_service_region: RegionOne

        """
    }
}

// MARK: - Commands

extension Lab {
    /// `cirrata`, as the build left it beside this test's own program.
    static var program: String {
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = max(0, readlink("/proc/self/exe", &buffer, buffer.count))
        let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/cirrata"
    }

    /// Runs a command of this lab to its end.
    func run(_ arguments: String...) async throws -> Finished {
        Finished(try await children.run(ChildCommand(Self.program, arguments + ["--config", configuration])))
    }

    /// Runs `body` beside a command that goes on until it is stopped.
    func with<Result: Sendable>(
        _ arguments: String..., run body: @escaping @Sendable (RunningChild) async throws -> Result
    ) async throws -> Result {
        try await Self.withChild(children, arguments + ["--config", configuration], body)
    }

    /// A worker that works.
    func withWorker<Result: Sendable>(
        _ arguments: String..., run body: @escaping @Sendable (RunningChild) async throws -> Result
    ) async throws -> Result {
        try await Self.withChild(children, ["worker", "--config", configuration] + arguments) { worker in
            _ = try await worker.waitForLine(containing: "working")
            return try await body(worker)
        }
    }

    private static func withChild<Result: Sendable>(
        _ children: SystemChildren, _ arguments: [String],
        _ body: @escaping @Sendable (RunningChild) async throws -> Result
    ) async throws -> Result {
        let child = try await children.start(ChildCommand(program, arguments))
        do {
            let result = try await body(child)
            child.signal(SIGKILL)
            _ = try await child.result()
            return result
        } catch {
            child.signal(SIGKILL)
            _ = try await child.result()
            throw error
        }
    }

    /// Writes a file into the lab's folder.
    /// - Returns: its path.
    func file(_ name: String, _ text: String) async throws -> String {
        let path = "\(folder)/\(name)"
        try await world.files.write(path, Array(text.utf8), mode: 0o600)
        return path
    }
}

/// A command that has ended.
struct Finished: Sendable {
    let end: ChildResult.End
    let output: String
    let errors: String

    init(_ result: ChildResult) {
        end = result.end
        output = String(decoding: result.output, as: UTF8.self)
        errors = String(decoding: result.errors, as: UTF8.self)
    }

    /// What it wrote to standard output, line by line, as JSON.
    var json: [JSONValue] {
        get throws { try output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) } }
    }
}

// MARK: - The state of the lab

extension Lab {
    /// Orders a fault of the Sandbox.
    func fault(_ rule: String) async throws {
        var request = HTTPRequest(.post, "\(sandbox)/sandbox/faults")
        request.body = Array(rule.utf8)
        let answer = try await world.http.execute(request)
        guard answer.status == 200 else {
            throw LabTrouble(description: "no fault: \(String(decoding: answer.body, as: UTF8.self))")
        }
    }

    /// Waits until the Sandbox has got such a request.
    func untilRequested(_ method: String, of service: String) async throws {
        while true {
            let response = try await world.http.execute(HTTPRequest(.get, "\(sandbox)/sandbox/requests"))
            let requests = try JSONValue(parsing: response.body).array ?? []
            if requests.contains(where: { $0["method"]?.string == method && $0["service"]?.string == service }) {
                return
            }
            try await world.time.sleep(for: .milliseconds(5))
        }
    }

    func state() async throws -> JSONValue {
        let response = try await world.http.execute(HTTPRequest(.get, "\(sandbox)/sandbox/state"))
        return try JSONValue(parsing: response.body)
    }

    var servers: [String] { get async throws { try await names("servers") } }
    var volumes: [String] { get async throws { try await names("volumes") } }

    private func names(_ kind: String) async throws -> [String] {
        (try await state()[kind]?.array ?? []).compactMap { $0["name"]?.string }.sorted()
    }

    func node(_ name: String) async throws -> JSONValue? {
        try await state()["nodes"]?.array?.first { $0["name"]?.string == "\(name).\(Self.domain)" }
    }
}

/// Something of the lab itself went wrong.
struct LabTrouble: Error, CustomStringConvertible {
    let description: String
}
