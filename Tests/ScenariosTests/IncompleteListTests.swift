import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Lists that lack what is there, as Nova's do while one of its cells is down.
@Suite struct IncompleteListTests {
    /// From the first request to nsupdate-web on, the next `count` lists of servers and volumes are empty.
    private static func emptyLists(after bench: Bench, count: Int) {
        let left = Locked<Int?>(nil)
        bench.simulation.http.onRequest { exchange in
            let url = exchange.request.url
            if url.contains("/nsupdate/update?") { left.withLock { $0 = $0 ?? count } }
            guard url.contains("/servers/detail") || url.contains("/volumes/detail"),
                left.withLock({ left in
                    guard let some = left, some > 0 else { return false }
                    left = some - 1
                    return true
                })
            else { return .deliver }
            let list = url.contains("/servers/") ? "servers" : "volumes"
            return .instead(.response(HTTPResponse(status: 200, body: Array(#"{"\#(list)":[]}"#.utf8))))
        }
    }

    @Test func aCommitWaitsForAListThatHasItsServer() throws {
        let lab = try WildLab()
        Self.emptyLists(after: lab.bench, count: 6)
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 1)
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.done], "\(lab.bench.events.outcomes)")
        #expect(lab.warnings.contains { $0.contains("lists not all") }, "\(lab.warnings)")
        #expect(lab.violations(.provisioned(volumes: 1)).isEmpty)
        #expect(lab.cloud.serversCreated == 1 && lab.cloud.volumesCreated == 1)
        #expect(lab.requests(.compute, .delete).isEmpty && lab.requests(.volume, .delete).isEmpty)
    }

    @Test func aRemovalTakesWhatItKnowsByID() throws {
        let lab = try WildLab(sandbox: { $0.allowHosts = "^other" })
        Self.emptyLists(after: lab.bench, count: .max)
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 2)
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.rejected], "\(lab.bench.events.outcomes)")
        #expect(lab.violations(.empty).isEmpty)
        let report = lab.bench.reports.first
        #expect(report?.left == [] && report?.removed.count == 3, "\(report?.removed ?? [])")
    }
}
