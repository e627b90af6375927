import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Clouds as they are: what public reports of other tools' users say.
@Suite struct WildCloudTests {
    /// oslo.limit words the refusal: "is over a limit for [Resource servers is over limit of 2 …]".
    @Test func aUnifiedLimitIsWaitedFor() throws {
        let lab = try WildLab(
            nodes: 6,
            sandbox: { settings in
                settings.quotas.instances = 2
                settings.quotas.areUnified = true
            })
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            for node in lab.nodes { lab.provision(node, key: "u-\(node)") }
            try await world.time.sleep(for: .seconds(600))
            #expect(lab.outcomes.filter { $0 == .done }.count == 2)
            #expect(lab.bench.buried == 0 && lab.bench.openJobs == 4)
            #expect(lab.requests(.compute, .post).contains { $0.status == 403 })
            lab.change { cloud, _ in cloud.setQuotas(.roomy) }
            try await lab.bench.settled()
        }
        #expect(lab.bench.buried == 0)
        #expect(lab.nodes.flatMap { lab.violations(.provisioned(volumes: 0), of: $0) }.isEmpty)
    }

    @Test func aCloudWithoutCinderServesJobsWithoutVolumes() throws {
        let lab = try WildLab(nodes: 2, sandbox: { $0.missingTypes = ["volumev3", "block-storage"] })
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            lab.provision()
            try await lab.bench.settled()
            #expect(lab.violations(.provisioned(volumes: 0)).isEmpty)
            // One with volumes waits, builds nothing and keeps nobody waiting.
            lab.provision("ovh002", key: "with-volumes", volumes: 1)
            try await world.time.sleep(for: .seconds(60))
            lab.destroy()
            try await world.time.sleep(for: .seconds(300))
            #expect(lab.bench.buried == 0 && lab.bench.openJobs == 1)
        }
        #expect(lab.outcomes.filter { $0 == .done }.count == 2)
        #expect(lab.violations(.empty).isEmpty && lab.cloud.servers.isEmpty)
        #expect(lab.cloud.serversCreated == 1)
        #expect(lab.warnings.contains { $0.contains("no public endpoint for block-storage") })
        #expect(lab.requests(.volume).isEmpty)
    }

    /// A catalog that lost its block storage hides volumes; it does not prove that there are none.
    @Test func volumesOfAServerAreNotForgotten() throws {
        let lab = try WildLab()
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            lab.provision(volumes: 1)
            try await lab.bench.settled()
            lab.bench.sandbox.withState { state in
                state.cloud.missingTypes = ["volumev3", "block-storage"]
                state.cloud.revokeTokens()
            }
            lab.destroy()
            try await world.time.sleep(for: .seconds(60))
            #expect(lab.cloud.servers.count == 1 && lab.cloud.volumes.count == 1)
            lab.bench.sandbox.withState { state in
                state.cloud.missingTypes = []
                state.cloud.revokeTokens()
            }
            try await lab.bench.settled()
        }
        #expect(lab.warnings.contains { $0.contains("the catalog has no block storage to see them in") })
        #expect(lab.violations(.empty).isEmpty && lab.cloud.volumes.isEmpty)
    }

    /// A list that shows it, but not readably, does not show that it is gone.
    @Test func aServerThatCannotBeReadIsNotGone() throws {
        let lab = try WildLab()
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            lab.provision()
            try await lab.bench.settled()
            let id = lab.cloud.servers.first?.id ?? ""
            let list = #"{"servers": [{"id": "\#(id)", "name": "ovh001", "status": "ACTIVE", "metadata": "none"}]}"#
            _ = lab.fault(.compute, .get, "/v2.1/servers/detail", is: .answering(200, body: list))
            lab.destroy()
            try await world.time.sleep(for: .seconds(120))
            #expect(lab.outcomes == [.done] || lab.outcomes.dropFirst().allSatisfy { $0 == .retry })
            #expect(lab.cloud.servers.count == 1 && lab.record?.macAddress != nil)
            lab.mend()
            try await lab.bench.settled()
        }
        #expect(lab.warnings.contains { $0.contains("ovh001") && $0.contains("unexpected value at 0.metadata") })
        #expect(lab.violations(.empty).isEmpty && lab.cloud.servers.isEmpty)
        #expect(lab.bench.buried == 0)
    }

    /// Where nothing can be chosen, what could not be read may be what was meant: no job is at fault.
    @Test func whatCannotBeReadBuriesNoJob() throws {
        let lab = try WildLab()
        let list = #"{"flavors": [{"id": "f", "name": "big", "ram": "8 GB", "disk": 100, "vcpus": 4}]}"#
        _ = lab.fault(.compute, .get, "/v2.1/flavors/detail", is: .answering(200, body: list))
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            lab.provision()
            try await world.time.sleep(for: .seconds(60))
            #expect(lab.bench.buried == 0)
            lab.mend()
            try await lab.bench.settled()
        }
        #expect(lab.warnings.contains { $0.contains("flavor big f (unexpected value at 0.ram)") })
        #expect(lab.outcomes.last == .done)
    }
}
