import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World
import YAMLKit

/// Failures from the wild: creating servers.
@Suite struct WildCreateTests {
    /// How the answer to the one POST goes wrong.
    enum Answer: String, CaseIterable, Sendable {
        case html503, html504, json500, html502, reset, closed, nothing, cut202, empty202, html200

        var rule: FaultRule {
            let page = "<html><head><title>Gateway</title></head><body><h1>Bad</h1></body></html>"
            switch self {
            case .html503: return .answering(503, body: page, headers: ["Content-Type": "text/html"])
            case .html504: return .answering(504, body: page, headers: ["Content-Type": "text/html"])
            case .html502: return .answering(502, body: page, headers: ["Content-Type": "text/html"])
            case .json500:
                return .answering(500, body: #"{"computeFault":{"code":500,"message":"MessagingTimeout"}}"#)
            case .reset: return .breaking(.reset, takesEffect: false)
            case .closed: return .breaking(.close, takesEffect: false)
            case .nothing: return .breaking(.stall, takesEffect: false)
            case .cut202: return .breaking(.truncated(keep: 20), takesEffect: true)
            case .empty202: return .answering(202)
            case .html200: return .answering(200, body: page, headers: ["Content-Type": "text/html"])
            }
        }
    }

    @Test(
        "1: a POST /servers that built the server and answered an error makes no second one", arguments: Answer.allCases
    )
    func builtAndNotSaid(answer: Answer) throws {
        let lab = try WildLab()
        var rule = answer.rule
        rule.takesEffect = true
        _ = lab.fault(.compute, .post, "/v2.1/servers", times: 1, is: rule)
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision()
            try await lab.bench.settled()
        }
        #expect(lab.cloud.serversCreated == 1)
        #expect(lab.creates.count == 1)
        #expect(lab.outcomes == [.done])
        #expect(lab.violations(.provisioned(volumes: 0)).isEmpty)
    }

    @Test("1: a POST /servers that failed is sent again only after a complete look", arguments: Answer.allCases)
    func notBuiltAndNotSaid(answer: Answer) throws {
        let lab = try WildLab()
        var rule = answer.rule
        rule.takesEffect = false
        if case .truncated = rule.wire { rule.status = 202 }
        _ = lab.fault(.compute, .post, "/v2.1/servers", times: 3, is: rule)
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision()
            try await lab.bench.settled()
        }
        #expect(lab.creates.count == 4)
        var hasLooked = true
        for entry in lab.requests(.compute) {
            if entry.method == .post, entry.path == "/v2.1/servers" {
                #expect(hasLooked, "POST \(entry.number) without a look since the last one")
                hasLooked = false
            }
            let isComplete = entry.path.hasPrefix("/v2.1/servers/detail") && !entry.path.contains("changes-since")
            if isComplete, entry.status == 200 { hasLooked = true }
        }
        #expect(lab.violations(.provisioned(volumes: 0)).isEmpty)
        #expect(lab.bench.buried == 0)
    }

    /// The replacement of a server that failed to build is no different from the first.
    @Test("1: an error to the POST that replaces a failed build makes no third server")
    func replacementNotSaid() throws {
        let lab = try WildLab()
        lab.change { cloud, _ in cloud.plan(server: .spawnFails("disk full")) }
        var rule = FaultRule.answering(504, takesEffect: true)
        rule.skip = 1
        // The console is read by POST, too, of another path.
        rule.pattern = "^/v2.1/servers$"
        _ = lab.fault(.compute, .post, times: 1, is: rule)
        let began = lab.now
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision()
            try await lab.bench.settled()
        }
        #expect(lab.cloud.serversCreated == 2)
        #expect(lab.violations(.provisioned(volumes: 0)).isEmpty)
        #expect(lab.now - began < .seconds(300), "took \((lab.now - began).short)")
    }

    @Test(
        "A server that is neither building, ACTIVE nor in ERROR is named (rackerlabs/otter#1918)",
        arguments: ["SHUTOFF", "PAUSED"])
    func anotherState(state: String) throws {
        let lab = try WildLab(site: { $0.steps.waitActive.timeout = .seconds(60) })
        lab.bench.simulation.http.onRequest { exchange in
            guard exchange.request.method == .get, exchange.request.url.contains("/compute/v2.1/servers") else {
                return .deliver
            }
            return .deliverAndChange { answer in
                guard case .response(var response, let after) = answer else { return answer }
                let text = String(decoding: response.body, as: UTF8.self)
                response.body = Array(
                    text.split(separator: "\"ACTIVE\"", omittingEmptySubsequences: false)
                        .joined(separator: "\"\(state)\"").utf8)
                return .response(response, after: after)
            }
        }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision()
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.failed])
        let report = try #require(lab.bench.reports.first)
        #expect(report.cause == "build-failed" && report.message.contains("is \(state), still not ACTIVE after 1m"))
        #expect(lab.violations(.empty) == [])
    }

    @Test("4: 403 'Maximum number of ports exceeded' is waited for, not tried every second")
    func portsQuota() throws {
        let jobs = 5
        let lab = try WildLab(nodes: jobs, sandbox: { $0.quotas.ports = 0 })
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            for node in lab.nodes { lab.provision(node, key: "u-\(node)") }
            try await world.time.sleep(for: .seconds(3_600))
            // Half a minute to two minutes between two probes, once the gate has learnt it.
            #expect((2...90).contains(lab.creates.count), "\(lab.creates.count) in an hour")
            #expect(lab.creates.allSatisfy { $0.status == 403 })
            #expect(lab.bench.buried == 0)
            #expect(lab.outcomes.allSatisfy { $0 == .wait || $0 == .parked })
            lab.change { cloud, _ in cloud.setQuotas(.roomy) }
            let back = world.time.now
            try await lab.bench.settled()
            #expect(world.time.now - back < .seconds(300), "took \((world.time.now - back).short)")
        }
        #expect(lab.nodes.flatMap { lab.violations(.provisioned(volumes: 0), of: $0) }.isEmpty)
    }

    @Test(
        "5: ERROR for want of a host or of quota goes to another zone",
        arguments: [ServerFault.noValidHost, .quotaRecheck("Quota exceeded for cores, ram: Requested 2")])
    func otherZone(fault: ServerFault) throws {
        let lab = try WildLab(site: { $0.providers[0].settings.availabilityZones = ["a", "b"] })
        lab.change { cloud, _ in
            cloud.setZones(["a", "b"])
            cloud.plan(server: fault)
        }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision()
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.done])
        #expect(lab.creates.count == 2)
        #expect(lab.cloud.servers.map(\.zone) == ["b"])
        #expect(lab.violations(.provisioned(volumes: 0)).isEmpty)
    }

    @Test(
        "5: ERROR for want of a host or of quota in every zone waits for room and gives up nothing",
        arguments: [ServerFault.noValidHost, .quotaRecheck("Quota exceeded for cores, ram: Requested 2")])
    func noZone(fault: ServerFault) throws {
        let lab = try WildLab(nodes: 3)
        lab.change { cloud, _ in cloud.plan(server: fault, times: 1_000) }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            for node in lab.nodes { lab.provision(node, key: "u-\(node)") }
            try await world.time.sleep(for: .seconds(3_600))
            #expect(lab.bench.buried == 0, "\(lab.bench.reports.map(\.message))")
            #expect(lab.outcomes.allSatisfy { $0 == .wait || $0 == .parked })
            #expect((3...90).contains(lab.creates.count), "\(lab.creates.count) in an hour")
            lab.change { cloud, _ in cloud.forgetPlans() }
            try await lab.bench.settled()
        }
        #expect(lab.nodes.flatMap { lab.violations(.provisioned(volumes: 0), of: $0) }.isEmpty)
    }

    @Test(
        "6: ERROR while it is built ends the build at once",
        arguments: [ServerFault.spawnFails("disk full"), .hostsExhausted])
    func errorIsTerminal(fault: ServerFault) throws {
        let lab = try WildLab()
        lab.change { cloud, _ in cloud.plan(server: fault) }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision()
            try await lab.bench.settled()
        }
        let deletes = lab.requests(.compute, .delete, "/v2.1/servers/")
        #expect(deletes.count == 1)
        // Built for 20 s; then seen within seconds, where teuthology waits ten minutes.
        if let created = lab.creates.first?.time, let deleted = deletes.first?.time {
            #expect(deleted - created < .seconds(25), "\((deleted - created).short)")
        }
        #expect(lab.outcomes == [.done])
        #expect(lab.violations(.provisioned(volumes: 0)).isEmpty)
        let wanted = fault == .hostsExhausted ? "Exhausted all hosts" : "disk full"
        #expect(lab.warnings.contains { $0.contains(wanted) })
    }

    @Test("17: servers that are never built are not left running")
    func neverBuilt() throws {
        let lab = try WildLab()
        lab.change { cloud, _ in cloud.plan(server: .staysInBuild, times: 3) }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 2)
            try await lab.bench.settled()
        }
        let limit = lab.bench.configuration.steps.waitActive.timeout
        #expect(lab.cloud.serversCreated == 3)
        #expect(lab.violations(.empty).isEmpty)
        #expect(lab.bench.reports.map(\.cause) == ["build-failed"])
        #expect(lab.bench.reports.first?.message.contains("still not ACTIVE after \(limit.short)") == true)
        #expect(lab.bench.reports.first?.removed.filter { $0.hasPrefix("server ovh001") }.count == 3)
    }

    /// Words that compress, as cloud-config does.
    private static func userData(_ words: Int) -> ProviderSettings.UserData {
        let lines = (0..<words).map { Node.string("echo step \($0) of the set-up of this node") }
        return .init(key: "ubuntu-22.04", value: .map([("runcmd", .list(lines))]))
    }

    @Test("25: user data over 64 KB is sent compressed")
    func largeUserData() throws {
        let lab = try WildLab(site: { $0.providers[0].settings.userData = [Self.userData(2_000)] })
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision()
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.done], "\(lab.warnings)")
        // `H4sI`: base64 of what every gzip file begins with.
        let sent = lab.cloud.servers.first?.userData ?? ""
        #expect(sent.hasPrefix("H4sI") && sent.utf8.count <= 65_535)
    }

    @Test("25: user data that does not fit even compressed is the site's mistake: never sent, no job buried")
    func hopelessUserData() throws {
        let noise = (0..<2_000).map { Node.string(SHA256.hex(of: Array("\($0)".utf8))) }
        let lab = try WildLab(site: {
            $0.providers[0].settings.userData = [
                .init(key: "ubuntu-22.04", value: .map([("runcmd", .list(noise))]))
            ]
        })
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            lab.provision()
            try await world.time.sleep(for: .seconds(900))
        }
        #expect(lab.creates.isEmpty)
        #expect(lab.bench.buried == 0)
        #expect(lab.warnings.contains { $0.contains("even when compressed; Nova takes 49149") }, "\(lab.warnings)")
    }

    @Test("26: a server that is ACTIVE without an address is replaced after a while, and its console is kept")
    func noAddress() throws {
        let lab = try WildLab()
        lab.change { cloud, _ in cloud.plan(server: .withoutAddress) }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision()
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.done])
        #expect(lab.cloud.serversCreated == 2)
        #expect(lab.violations(.provisioned(volumes: 0)).isEmpty)
        #expect(lab.warnings.contains { $0.contains("ACTIVE without an address") })
        #expect(lab.warnings.contains { $0.hasPrefix("console of ") && $0.contains("login:") })
    }

    @Test("26: addresses that come half a minute after ACTIVE are waited for")
    func lateAddress() throws {
        let lab = try WildLab(sandbox: { $0.timings.addresses = .seconds(30) })
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision()
            try await lab.bench.settled()
        }
        #expect(lab.cloud.serversCreated == 1)
        #expect(lab.violations(.provisioned(volumes: 0)).isEmpty)
    }

    enum Stale: String, CaseIterable, Sendable { case image, flavor, network, group }

    @Test(
        "27: what was renewed behind our lists is looked up again after one 400", arguments: Stale.allCases,
        [false, true])
    func staleLists(what: Stale, afterTrouble: Bool) throws {
        let lab = try WildLab(nodes: 2, site: { $0.providers[0].settings.securityGroups = ["default"] })
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision("ovh001", key: "first")
            try await lab.bench.settled()
            lab.change { cloud, now in Self.renew(what, &cloud, now) }
            // The staleness may show at the second attempt just as well.
            if afterTrouble { _ = lab.fault(.compute, .post, "/v2.1/servers", times: 1, is: .answering(500)) }
            lab.provision("ovh002", key: "second")
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.done, .done], "\(lab.bench.reports.map(\.message))")
        // A security group is named, not numbered, in what we send: it needs no second look.
        let refused = lab.creates.filter { $0.status == 400 }.count
        #expect(refused == (what == .group ? 0 : 1))
        #expect(lab.violations(.provisioned(volumes: 0), of: "ovh002").isEmpty)
    }

    private static func renew(_ what: Stale, _ cloud: inout OpenStackCloud, _ now: Timestamp) {
        let configuration = cloud.configuration
        switch what {
        case .image:
            for image in configuration.images where image.name == "Ubuntu 22.04" {
                cloud.removeImage(image.id)
                cloud.add(CloudImage(id: cloud.newID(), name: image.name, created: now))
            }
        case .flavor:
            for var flavor in configuration.flavors {
                cloud.removeFlavor(flavor.id)
                flavor.id = cloud.newID()
                cloud.add(flavor)
            }
        case .network:
            for var network in configuration.networks {
                cloud.removeNetwork(network.id)
                network.id = cloud.newID()
                network.cidr = "127.78.0.0/16"
                cloud.add(network)
            }
        case .group:
            for var group in configuration.securityGroups {
                cloud.removeSecurityGroup(group.id)
                group.id = cloud.newID()
                cloud.add(group)
            }
        }
    }

    @Test("28: many creates at once are paced and bounded, and not one after another")
    func pacedCreates() throws {
        let count = 120
        let lab = try WildLab(nodes: count)
        let inFlight = Locked((now: 0, most: 0))
        let isCreate: @Sendable (HTTPRequest) -> Bool = {
            $0.method == .post && $0.url.hasSuffix("/compute/v2.1/servers")
        }
        lab.bench.simulation.http.setLatency(.seconds(1))
        lab.bench.simulation.http.onRequest { exchange in
            if isCreate(exchange.request) { inFlight.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
            return .deliver
        }
        lab.bench.simulation.http.onAnswer { exchange, _ in
            if isCreate(exchange.request) { inFlight.withLock { $0.now -= 1 } }
        }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            for node in lab.nodes { lab.provision(node, key: "u-\(node)") }
            try await lab.bench.settled()
        }
        let rate = lab.bench.configuration.providers[0].settings.rate.compute
        let most = inFlight.withLock { $0.most }
        #expect((5...rate.concurrency).contains(most), "\(most) at once")
        let times = lab.creates.map(\.time)
        // In any ten seconds no more than the limit allows, with what a quiet time has saved.
        for (index, time) in times.enumerated() {
            let within = times[index...].prefix { $0 - time < .seconds(10) }.count
            #expect(Double(within) <= rate.perSecond * 10 + Double(rate.burst))
        }
        #expect(lab.outcomes.count == count && lab.outcomes.allSatisfy { $0 == .done })
    }
}
