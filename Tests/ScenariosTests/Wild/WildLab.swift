import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import World

/// A bench for the failures from the wild (facts/openstack.md section 3, where each has the number that its test has
/// here): some nodes locked for one owner, jobs for them, and what the Sandbox saw.
struct WildLab: Sendable {
    static let node = "ovh001"

    let bench: Bench
    let nodes: [String]

    init(
        nodes count: Int = 1, sandbox: (inout SandboxSettings) -> Void = { _ in },
        site: (inout SiteConfiguration) -> Void = { _ in }
    ) throws {
        bench = try Bench(
            sandbox: { settings in
                settings.nodes = [.init(machineType: Bench.provider, count: count)]
                settings.addresses = "127.77.0.0/16"
                sandbox(&settings)
            },
            site: { configuration in
                configuration.slots = max(6, count * 5 / 4)
                site(&configuration)
            })
        nodes = (1...count).map { number in
            "ovh" + String(repeating: "0", count: 3 - String(number).count) + String(number)
        }
        for node in nodes { bench.lock(node) }
    }

    func provision(_ node: String = node, key: String = "job-1", volumes: Int = 0, more: String = "") {
        bench.put(
            .provision,
            "{action: provision, node: \(node), owner: me@lab, lock_description: run/1, uuid: \(key), reply_to: replies, "
                + "volumes: {count: \(volumes), size: 5}\(more)}")
    }

    func destroy(_ node: String = node, key: String = "job-2") {
        bench.put(
            .destroy,
            "{action: destroy, node: \(node), owner: me@lab, lock_description: run/1, uuid: \(key), reply_to: replies}")
    }

    /// What of a fault rule concerns only one kind of request.
    func fault(
        _ service: SandboxService, _ method: HTTPMethod? = nil, _ path: String? = nil, times: Int? = nil,
        is rule: FaultRule
    ) -> Int {
        var rule = rule
        rule.service = service
        rule.method = method
        rule.path = path
        rule.count = times
        return bench.sandbox.withState { $0.faults.add(rule) }
    }

    func mend() { bench.sandbox.withState { $0.faults.removeAll() } }

    var now: Timestamp { bench.simulation.world.time.wallClock }
    var cloud: CloudSnapshot { bench.sandbox.withState { $0.cloud.snapshot(at: now) } }
    var record: PaddlesNode? { bench.sandbox.withState { $0.paddles.node("\(Self.node).\(Bench.domain)") } }
    var outcomes: [OutcomeKind] { bench.events.outcomes.map(\.kind) }

    func change(_ body: (inout OpenStackCloud, Timestamp) -> Void) {
        let now = now
        bench.sandbox.withState { body(&$0.cloud, now) }
    }

    /// Requests that reached a service, oldest first.
    func requests(
        _ service: SandboxService, _ method: HTTPMethod? = nil, _ path: String = ""
    ) -> [RequestJournal.Entry] {
        bench.sandbox.withState { state in
            state.journal.entries.filter {
                $0.service == service && (method ?? $0.method) == $0.method && $0.path.hasPrefix(path)
            }
        }
    }

    /// `POST /servers`, whatever came of them.
    var creates: [RequestJournal.Entry] {
        requests(.compute, .post, "/v2.1/servers").filter { $0.path == "/v2.1/servers" }
    }

    /// What is wrong with a node that should be up, or should be nothing.
    func violations(_ expected: Invariants.Expectation, of node: String = node) -> [String] {
        Invariants(bench).violations(of: node, expected)
    }

    /// Everything that operators were told while it ran.
    var warnings: [String] {
        bench.events.records.compactMap { record in
            switch record.event {
            case .warning(_, let text), .note(_, let text): text
            case .attemptFailed(_, _, _, let error, _, _, _, _): error
            default: nil
            }
        }
    }

    /// When something was created or removed by us, by name and id.
    func moment(of wanted: (Event) -> Bool) -> Timestamp? {
        bench.events.records.first { wanted($0.event) }?.at
    }
}
