import Configuration
import Provisioning
import Sandbox
import Scenarios
import Simulation
import WorkerCore
import World

/// A lab in which nothing is wrong, and what the doctor says of it.
struct DoctorBench {
    static let key = "/home/lab/.ssh/id_ed25519"
    private static let keyText = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"

    let bench: Bench

    init(
        sandbox: (inout SandboxSettings) -> Void = { _ in }, site: (inout SiteConfiguration) -> Void = { _ in }
    ) throws {
        bench = try Bench(sandbox: sandbox) { configuration in
            configuration.ssh.checksPort = true
            configuration.ssh.checksHostKeys = true
            configuration.ssh.checksSentinel = true
            configuration.ssh.identityFile = Self.key
            configuration.ssh.knownHostsFolder = "/var/lib/cirrata/known_hosts"
            configuration.ssh.authorizedKeys = ["ssh-ed25519 AAAA lab"]
            site(&configuration)
        }
        let files = bench.simulation.files
        try files.place(Self.key, Array(Self.keyText.utf8), mode: 0o600)
        // The simulated broker says that it is process 1.
        try files.place("/proc/1/comm", Array("beanstalkd\n".utf8))
        try files.place("/proc/1/limits", Array(Self.limits(openFiles: 16_384).utf8))
        try keepAlive(time: 60, interval: 10, probes: 3)
        bench.simulation.children.handle { command in
            let said = command.program == "ssh" ? "OpenSSH_9.2p1 Debian-2, OpenSSL 3.0\n" : "usage: ssh-keyscan\n"
            return .ended(ChildResult(end: .exited(0), output: [], errors: Array(said.utf8)))
        }
    }

    static func limits(openFiles: Int) -> String {
        "Limit                     Soft Limit           Hard Limit           Units\n"
            + "Max cpu time              unlimited            unlimited            seconds\n"
            + "Max open files            \(openFiles)                 524288               files\n"
    }

    func keepAlive(time: Int, interval: Int, probes: Int) throws {
        let files = bench.simulation.files
        let values = [("time", time), ("intvl", interval), ("probes", probes)]
        for (name, value) in values {
            try files.place("/proc/sys/net/ipv4/tcp_keepalive_\(name)", Array("\(value)\n".utf8))
        }
    }

    /// What the doctor says, and how long it took.
    func examine(only: String? = nil) throws -> (Diagnosis, took: Duration) {
        let configuration = bench.configuration
        return try bench.simulation.run { world in
            let began = world.time.now
            let diagnosis = try await Doctor(world: world).examine(configuration, from: "worker.yaml", only: only)
            return (diagnosis, world.time.now - began)
        }
    }
}

extension Diagnosis {
    func finding(_ area: String, _ check: String) -> Finding? {
        findings.first { $0.area == area && $0.check == check }
    }

    /// Everything that is neither fine nor left out, as `area/check`.
    var complaints: [String] {
        findings.filter { $0.verdict == .warning || $0.verdict == .failed }.map { "\($0.area)/\($0.check)" }
    }
}
