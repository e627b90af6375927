import Beanstalk
import HTTPKit
import Jobs
import Pipelines
import Provisioning
import Sandbox
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// A worker dies while its request for a volume is on its way; the request arrives after the next worker has made a
/// volume of its own.
@Suite struct LateVolumeTests {
    /// Provisions with two workers. The first one's request for a volume arrives `delay` after it has died.
    private func provision(_ lab: WildLab, delay: Duration, until isOver: @escaping @Sendable () -> Bool) async throws {
        let first = lab.bench.worker("w1")
        lab.bench.simulation.http.onRequest { exchange in
            guard exchange.process == "w1", exchange.request.method == .post,
                exchange.request.url.hasSuffix("/volumes")
            else { return .deliver }
            first.process.kill()
            return .deliverLate(delay)
        }
        first.start()
        lab.provision(volumes: 1)
        _ = try await first.process.end.wait()
        lab.bench.worker("w2").start()
        try await lab.bench.until(isOver)
    }

    @Test func theCommitRemovesAVolumeThatArrivedBeforeIt() throws {
        // Long enough for the request to arrive before the second worker's volume is there.
        let lab = try WildLab(sandbox: { $0.timings.volumeCreating = .seconds(60) })
        try lab.bench.simulation.run { _ in
            try await provision(lab, delay: .seconds(20)) { lab.bench.openJobs == 0 }
        }
        #expect(lab.cloud.volumesCreated == 2)
        #expect(lab.violations(.provisioned(volumes: 1)) == [])
        #expect(lab.bench.replies("replies").map(\.outcome) == ["done"])
        #expect(lab.cloud.serversCreated == 1)
    }

    /// One that the cloud will not delete keeps nobody from committing.
    @Test func aLateVolumeThatCannotBeDeletedIsLeft() throws {
        let lab = try WildLab(sandbox: { $0.timings.volumeCreating = .seconds(60) })
        lab.change { cloud, _ in cloud.plan(volume: .deleteFails) }
        try lab.bench.simulation.run { _ in
            try await provision(lab, delay: .seconds(20)) { lab.bench.openJobs == 0 }
        }
        #expect(lab.bench.replies("replies").map(\.outcome) == ["done"])
        #expect(lab.cloud.volumes.map(\.status).sorted() == ["error_deleting", "in-use"])
    }

    /// After the commit it is the sweeper that names it, and the node's destroy that takes it.
    @Test func aVolumeThatArrivesAfterTheCommitIsNamedByTheSweeper() throws {
        let lab = try WildLab()
        try lab.bench.simulation.run { world in
            try await provision(lab, delay: .seconds(300)) { lab.cloud.volumesCreated == 2 }
            #expect(lab.bench.replies("replies").map(\.outcome) == ["done"])
            try await world.time.sleep(for: .seconds(7_200))
            let report = try await lab.bench.sweep(world)
            #expect(report.kept == [.spareVolume], "\(report.entries)")
            let spare = try #require(lab.cloud.volumes.first { $0.server == nil })
            #expect(report.only?.why.contains(spare.id) == true)
            lab.destroy()
            try await lab.bench.settled()
        }
        #expect(lab.violations(.empty) == [])
    }
}
