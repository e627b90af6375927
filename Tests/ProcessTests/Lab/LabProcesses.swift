import Beanstalk
import CurlHTTP
import EventLoop
import Glibc
import HTTPKit
import TestSupport
import Testing
import World

/// A lab of real processes: a beanstalkd with a binlog, a `cirrata sandbox`, and as many `cirrata worker`s as a test
/// starts. `withLab` makes one and leaves nothing of it behind.
final class LabProcesses: Sendable {
    let world: World
    /// Private, and gone afterwards.
    let folder: String
    let beanstalkd: Beanstalkd
    /// The broker, as a client sees it.
    let queue: Broker
    let sandbox: SandboxProcess
    let programs: Programs
    private let workers = Locked(0)

    static let domain = "front.lab.test"
    static let provider = "ovh"
    static let owner = "me@lab"
    static let lockDescription = "run/1"
    static let replies = "replies"

    fileprivate init(
        world: World, folder: String, beanstalkd: Beanstalkd, sandbox: SandboxProcess, programs: Programs
    ) {
        self.world = world
        self.folder = folder
        self.beanstalkd = beanstalkd
        self.sandbox = sandbox
        self.programs = programs
        queue = Broker(beanstalkd.endpoint, world: world)
    }

    /// The short name of a node of the lab: `ovh001`.
    static func node(_ number: Int = 1) -> String {
        let digits = String(number)
        return provider + String(repeating: "0", count: max(0, 3 - digits.utf8.count)) + digits
    }

    /// Writes a worker.yaml and starts a worker with it, which is at work when this returns.
    func worker(
        _ file: WorkerFile = WorkerFile(), environment: [String: String] = [:]
    ) async throws -> WorkerProcess {
        let number = workers.withLock { count in
            count += 1
            return count
        }
        let path = "\(folder)/worker\(number).yaml"
        try await write(file, to: path)
        let child = try await programs.start(
            "worker \(number)", ["worker", "--config", path], environment: environment)
        let worker = WorkerProcess(child: child, time: world.time)
        try await worker.says("working")
        return worker
    }

    /// Writes a site file that commands and workers of this lab can use.
    func write(_ file: WorkerFile, to path: String) async throws {
        try await world.files.write(path, Array(file.text(for: self).utf8), mode: 0o600)
    }
}

/// What a test decides about its lab.
struct LabOptions: Sendable {
    var nodes = 4
    /// Seconds until a server is ACTIVE.
    var boot = 0.6
    /// More members of the Sandbox's settings; these win.
    var settings: JSONObject = [:]

    var json: JSONValue {
        let settings: JSONObject = [
            "seed": 1, "domain": .string(LabProcesses.domain), "addresses": "127.77.0.0/16",
            "nodes": [["machine_type": .string(LabProcesses.provider), "count": .integer(nodes)]],
            "boot": .number(boot),
            "timings": [
                "deleting": 0, "deleted_visible": 0, "volume_creating": .number(0.1), "volume_reserved": .number(0.05),
                "volume_attaching": .number(0.1), "volume_detaching": .number(0.1), "volume_deleting": .number(0.1),
            ],
        ]
        return .object(settings.merging(self.settings))
    }
}

/// Why a test in a lab ended early, with what its programs said last.
struct LabFailure: Error, CustomStringConvertible {
    let description: String
}

/// Runs `body` in a lab of real processes. Whatever happens, all of them are gone afterwards, the youngest first.
func withLab(
    _ options: LabOptions = LabOptions(), _ body: @Sendable (LabProcesses) async throws -> Void
) async throws {
    try await withTemporaryFolder { folder in
        for name in ["binlog", "home"] where mkdir("\(folder)/\(name)", 0o700) != 0 {
            throw SystemError(doing: "make \(folder)/\(name)")
        }
        try await withLiveWorld(http: { try await CurlTransport(loop: $0, userAgent: "process-tests") }) { world in
            try await withBeanstalkd(.init(binlog: "\(folder)/binlog"), in: world) { beanstalkd in
                guard let loop = world.executor as? EventLoop else {
                    throw LabFailure(description: "real processes need a live World")
                }
                let programs = try Programs(on: loop, home: "\(folder)/home")
                do {
                    let sandbox = try await SandboxProcess.start(options, in: folder, programs, world)
                    try await body(
                        LabProcesses(
                            world: world, folder: folder, beanstalkd: beanstalkd, sandbox: sandbox, programs: programs))
                } catch {
                    let story = await programs.story()
                    await programs.end()
                    throw LabFailure(description: "\(error)\n\(story)")
                }
                await programs.end()
            }
        }
        // Every program of a lab has its folder in its command line.
        for process in ProcessFacts.all where process.commandLine.contains(folder) {
            Issue.record("left behind: \(process.id) \(process.commandLine)")
            kill(process.id, SIGKILL)
        }
    }
}
