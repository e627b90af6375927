import Configuration
import Jobs
import Pipelines
import Resilience
import Sandbox
import Scenarios
import Simulation
import Testing
import World
import YAMLKit

/// Everything that the worker is told in confidence, and what it is told by a cloud, is used and never repeated: not in
/// an event (and so in no log line), not in a report, not in a reply.
@Suite struct SecretTests {
    /// Of the cloud's user, of nsupdate-web for one host, in the user data, and in keys of the body that are not ours.
    private static let secrets = ["hush-cloud", "hush-dns", "hush-guest", "hush-body"]
    /// How Fernet tokens begin, and `ovh001:hush-dns` as HTTP sends it.
    private static let derived = ["gAAAAA", "b3ZoMDAxOmh1c2gtZG5z", "hush"]

    private func bench(cloudPassword: String = "hush-cloud", dnsPassword: String = "hush-dns") throws -> Bench {
        let bench = try Bench(
            sandbox: { settings in settings.hostPasswords = ["ovh001": "hush-dns"] },
            site: { site in
                site.dns.password = Secret(dnsPassword)
                site.retryFor = .seconds(120)
                for index in site.providers.indices {
                    site.providers[index].access.credential = .password(
                        user: .name("cirrata", domain: .name("Default")), password: Secret(cloudPassword),
                        project: .name("lab", domain: .name("Default")))
                    site.providers[index].settings.userData = [
                        .init(key: "ubuntu-22.04", value: .map([("password", .string("hush-guest"))]))
                    ]
                }
            })
        bench.sandbox.withState { $0.cloud.setPassword("hush-cloud", ofUser: "cirrata") }
        bench.lock("ovh001")
        return bench
    }

    private func body(_ action: String) -> String {
        "{action: \(action), node: ovh001, owner: me@lab, lock_description: run/1, uuid: \(action)-1, "
            + "reply_to: replies, ceph_password: hush-body}"
    }

    private func expectSilence(_ bench: Bench) {
        let said = bench.events.records.map { "\($0)" }
        #expect(!said.isEmpty)
        let left = bench.broker.jobs.filter { !$0.tube.hasPrefix("cirrata.provision.") }.map {
            String(decoding: $0.body, as: UTF8.self)
        }
        for secret in Self.secrets + Self.derived {
            for text in said + left { #expect(!text.contains(secret), "\(secret) in \(text)") }
        }
    }

    @Test func aNodeComesAndGoes() throws {
        let bench = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { _ in
            for action in [JobAction.provision, .destroy] {
                bench.put(action, body(action.rawValue))
                try await bench.settled()
            }
        }
        // So every secret was needed and was right.
        #expect(bench.events.outcomes.map(\.kind) == [.done, .done])
        #expect(bench.replies("replies").count == 2)
        expectSilence(bench)
    }

    /// Refused secrets make errors, and errors are written down.
    @Test(arguments: [("hush-cloud-old", "hush-dns"), ("hush-cloud", "hush-dns-old")])
    func secretsThatAreRefused(cloudPassword: String, dnsPassword: String) throws {
        let bench = try bench(cloudPassword: cloudPassword, dnsPassword: dnsPassword)
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(.provision, body("provision"))
            try await world.time.sleep(for: .seconds(600))
        }
        #expect(
            bench.events.records.contains { record in
                if case .request(_, let request) = record.event { request.status == 401 } else { false }
            })
        expectSilence(bench)
    }

    @Test func aJobThatIsBuried() throws {
        let bench = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { _ in
            bench.put(.provision, body("provision").replacing("owner:", with: "os_version: '99', owner:"))
            try await bench.settled()
        }
        #expect(bench.reports.map(\.cause) == ["no-image"])
        expectSilence(bench)
    }
}
