import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Failures from the wild: volumes that Nova does not attach because they are in another zone than the server
/// (rancher/rancher#32775, rcbops/rpc-openstack#2095, vexxhost/magnum-cluster-api#464).
@Suite struct WildZoneTests {
    private func lab(
        nova: [String], cinder: [String], attachesAcross: Bool = false,
        _ settings: @escaping (inout ProviderSettings) -> Void = { _ in }
    ) throws -> WildLab {
        let lab = try WildLab(site: { site in
            site.providers[0].settings.availabilityZones = nova.suffix(1)
            settings(&site.providers[0].settings)
            site.retryFor = .seconds(60)
            site.steps.attachVolumes.patience = .seconds(30)
        })
        lab.change { cloud, _ in cloud.setZones(nova, volumes: cinder, attachesAcross: attachesAcross) }
        lab.bench.worker("w1").start()
        return lab
    }

    private func provision(_ lab: WildLab) throws {
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 2)
            try await lab.bench.settled()
        }
    }

    /// - cinder: its zones; the first is its default.
    @Test(
        arguments: [
            (["az-a", "az-b"], ["az-a", "az-b"], false, nil, "az-b"),
            // Cinder knows no such zone: it chooses.
            (["az-a", "az-b"], ["nova"], true, nil, "nova"),
            (["az-a", "az-b"], ["nova", "az-b"], true, "nova", "nova"),
            (["nova"], ["nova"], false, nil, "nova"),
        ] as [([String], [String], Bool, String?, String)])
    func volumesAreMadeWhereTheServerIs(
        nova: [String], cinder: [String], attachesAcross: Bool, key: String?, zone: String
    ) throws {
        let lab = try lab(nova: nova, cinder: cinder, attachesAcross: attachesAcross) { $0.volumeZone = key }
        try provision(lab)
        #expect(lab.outcomes == [.done], "\(lab.bench.events.outcomes)")
        #expect(lab.cloud.volumes.map(\.zone) == [zone, zone])
        #expect(lab.violations(.provisioned(volumes: 2)) == [])
        // Asked for once for all jobs and volumes.
        #expect(
            lab.requests(.volume, .get).filter { $0.path.hasSuffix("/os-availability-zone") }.count
                == (key == nil ? 1 : 0))
    }

    @Test func aVolumeOfAnotherZoneIsTheSitesFaultAndNamed() throws {
        let lab = try lab(nova: ["az-b"], cinder: ["nova"])
        try provision(lab)
        let report = try #require(lab.bench.reports.first)
        #expect(lab.outcomes.first == .retry && report.outcome == "failed", "\(lab.bench.events.outcomes)")
        #expect(report.message.contains("Instance is in az-b. Volume is in nova"))
        #expect(report.next.contains("volume_zone of provider ovh"))
        #expect(report.next.contains("zone az-b, the volume in nova"))
    }

    /// A job that comes back after `volume_zone` was corrected does not try again with the volume of before.
    @Test func aVolumeThatWasMadeInTheWrongZoneIsReplaced() throws {
        let lab = try lab(nova: ["az-b"], cinder: ["nova", "az-b"]) { $0.volumeZone = "nova" }
        try lab.bench.simulation.run { _ in
            let second = lab.bench.worker("w2") { $0.providers[0].settings.volumeZone = nil }
            lab.provision(volumes: 1)
            try await lab.bench.until { lab.warnings.contains { $0.contains("same availability_zone") } }
            second.start()
            try await lab.bench.until { lab.outcomes.last == .done }
        }
        #expect(lab.violations(.provisioned(volumes: 1)) == [])
        #expect(lab.cloud.volumes.map(\.zone) == ["az-b"])
    }

    @Test(arguments: [("volume_zone", "az-x"), ("volume_type", "fast")])
    func whatTheConfigurationSaysOfVolumesIsNoFaultOfTheJobs(key: String, value: String) throws {
        let lab = try lab(nova: ["az-b"], cinder: ["az-b"]) { settings in
            if key == "volume_zone" { settings.volumeZone = value } else { settings.volumeType = value }
        }
        try provision(lab)
        let report = try #require(lab.bench.reports.first)
        #expect(lab.outcomes.first == .retry && report.outcome == "failed", "\(lab.bench.events.outcomes)")
        #expect(report.message.contains(value) && report.next == "correct \(key) of provider ovh in the configuration")
    }
}
