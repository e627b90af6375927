import HTTPKit
import OpenStack
import Resilience
import Sandbox
import Simulation
import Testing
import World

/// Polling for many at the price of a few.
@Suite struct WatcherTests {
    private let call = Call()

    @Test func twoHundredServersCostTwoRequestsEachAtMost() throws {
        let sandbox = SandboxWorld(seed: 3, order: .shuffled)
        let late = Locked([Duration]())
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        let began = world.time.now
                        let known = try await cloud.watcher.servers(requestedAfter: began, for: call)
                        #expect(known.complete && known.requestedAt >= began)
                        let new = try await cloud.anyServer("n\(index)")
                        let created = try await cloud.compute.createServer(new, for: call)
                        let sent = world.time.now
                        let server = try await cloud.watcher.server(created.id, for: call) { $0.status == .active }
                        #expect(server?.addresses.isEmpty == false)
                        late.withLock { $0.append(world.time.now - sent - .seconds(20)) }
                    }
                }
                try await group.waitForAll()
            }
        }
        let total = sandbox.requests.withLock { $0.count }
        #expect(sandbox.count("POST /compute/v2.1/servers") == 200)
        #expect(total <= 400, "\(total) requests")
        let sorted = late.withLock { $0 }.sorted()
        #expect(sorted[100] < .seconds(1))
        #expect(sorted[198] < .seconds(2))
    }

    @Test func fiftyServersWithThreeVolumesCostEightRequestsEachAtMost() throws {
        let sandbox = SandboxWorld(seed: 4, order: .shuffled)
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<50 {
                    group.addTask { try await build(cloud, "n\(index)") }
                }
                try await group.waitForAll()
            }
        }
        let total = sandbox.requests.withLock { $0.count }
        #expect(total <= 400, "\(total) requests")
    }

    private func build(_ cloud: Cloud, _ name: String) async throws {
        let server = try await cloud.compute.createServer(try await cloud.anyServer(name), for: call).id
        _ = try await cloud.watcher.server(server, for: call) { $0.status == .active }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<3 {
                group.addTask {
                    let new = NewVolume(name: "\(name)_\(number)", size: 1)
                    let volume = try await cloud.blockStorage.createVolume(new, for: call).id
                    _ = try await cloud.watcher.volume(volume, for: call) { $0.status == .available }
                    _ = try await cloud.compute.attach(volume: volume, to: server, for: call)
                    _ = try await cloud.watcher.volume(volume, for: call) { $0.isAttached(to: server) }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func removalOfManyIsProvenOneByOneAndPolledTogether() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            var ids: [String] = []
            for index in 0..<100 {
                if let id = sandbox.operate({ $0.addServer(named: "n\(index)", at: world.time.wallClock) }) {
                    ids.append(id)
                }
            }
            #expect(ids.count == 100)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in ids {
                    group.addTask {
                        _ = try await cloud.compute.deleteServer(id, for: call)
                        try await cloud.watcher.serverGone(id, for: call)
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(sandbox.count("GET /compute") <= 230, "\(sandbox.count("GET /compute"))")
    }

    @Test func aListingInFlightIsSharedOnlyByThoseWhoseMomentIsBeforeIt() throws {
        let sandbox = SandboxWorld(latency: .milliseconds(500))
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            _ = try await cloud.identity.projectID(for: call)
            let start = world.time.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await cloud.watcher.servers(requestedAfter: start, for: call) }
                try await world.time.sleep(for: .milliseconds(100))
                group.addTask {
                    // Began before that listing was asked for: shares it.
                    _ = try await cloud.watcher.servers(requestedAfter: start, for: call)
                    #expect(world.time.now - start < .milliseconds(600))
                }
                let later = world.time.now
                for _ in 0..<5 {
                    group.addTask {
                        let listing = try await cloud.watcher.servers(requestedAfter: later, for: call)
                        #expect(listing.requestedAt >= later)
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(sandbox.count("GET /compute/v2.1/servers/detail") == 2)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func anotherLeadsWhenTheLeaderIsCancelled(seed: UInt64) throws {
        let sandbox = SandboxWorld(seed: seed, order: .shuffled)
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            let new = try await cloud.anyServer("n")
            var ids: [String] = []
            for _ in 0..<8 { ids.append(try await cloud.compute.createServer(new, for: call).id) }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for (index, id) in ids.enumerated() {
                    group.addTask {
                        do {
                            // Half of them give up, one after another, the first leader first.
                            let limit: Duration = index < 4 ? .milliseconds(1_300 * (index + 1)) : .seconds(60)
                            let server = try await world.time.withTimeout(limit, doing: "wait") {
                                try await cloud.watcher.server(id, for: call) { $0.status == .active }
                            }
                            return server != nil
                        } catch is TimeoutError {
                            return false
                        }
                    }
                }
                var done = 0
                for try await isDone in group where isDone { done += 1 }
                #expect(done == 4)
            }
        }
    }

    @Test func aBlipEndsNobodysWaitButLongTroubleDoes() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world, gates: GateSettings(breakerThreshold: 100))
            let created = try await cloud.compute.createServer(try await cloud.anyServer("n"), for: call)
            let failures = Locked(2)
            sandbox.intercepting { request in
                let fails = failures.withLock { failures in
                    failures -= 1
                    return failures >= 0
                }
                return fails ? .response(HTTPResponse(status: 500)) : nil
            }
            #expect(try await cloud.watcher.server(created.id, for: call) { $0.status == .active } != nil)
            failures.withLock { $0 = .max }
            await #expect(throws: ServiceError.self) { try await cloud.watcher.serverGone(created.id, for: call) }
        }
    }

    @Test func whoWaitsBeforeAClosedGateIsParkedInItsOwnTime() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            let id = try await cloud.compute.createServer(try await cloud.anyServer("n"), for: call).id
            cloud.gates.compute.closeForConfiguration("test")
            let began = world.time.now
            try await withThrowingTaskGroup(of: Duration?.self) { group in
                for seconds in [60, 40, 50, nil] as [Int?] {
                    group.addTask {
                        let call = Call(parkAfter: seconds.map { .seconds($0) })
                        do {
                            _ = try await cloud.watcher.server(id, for: call) { $0.status == .active }
                            return nil
                        } catch is Parked {
                            return world.time.now - began
                        }
                    }
                }
                var parked: [Int64] = []
                for _ in 0..<3 {
                    if let took = try await group.next() ?? nil { parked.append(Int64(took.seconds)) }
                }
                // The first round comes a second after the wait began.
                #expect(parked == [41, 51, 61])
                cloud.gates.compute.reopen()
                #expect(try await group.next() == .some(nil))
            }
        }
    }

    @Test func aServerThatVanishesIsGone() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            let new = try await cloud.anyServer("n")
            var ids: [String] = []
            for _ in 0..<7 { ids.append(try await cloud.compute.createServer(new, for: call).id) }
            try await withThrowingTaskGroup(of: OpenStack.Server?.self) { group in
                for id in ids {
                    group.addTask { try await cloud.watcher.server(id, for: call) { $0.status == .error } }
                }
                try await world.time.sleep(for: .seconds(40))
                for id in ids { sandbox.operate { $0.removeServer(id, at: world.time.wallClock) } }
                let began = world.time.now
                for try await server in group { #expect(server == nil) }
                #expect(world.time.now - began < .seconds(40))
            }
        }
    }

    @Test func aServerThatWasReadyLongAgoIsSeenAtOnce() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            guard let old = sandbox.operate({ $0.addServer(named: "old", at: world.time.wallClock) }) else {
                return #expect(Bool(false), "no server")
            }
            let new = try await cloud.anyServer("n")
            try await world.time.sleep(for: .seconds(600))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let id = try await cloud.compute.createServer(new, for: call).id
                        _ = try await cloud.watcher.server(id, for: call) { $0.status == .active }
                    }
                }
                try await world.time.sleep(for: .seconds(5))
                let began = world.time.now
                #expect(try await cloud.watcher.server(old, for: call) { $0.status == .active } != nil)
                #expect(world.time.now - began < .seconds(3))
                try await group.waitForAll()
            }
        }
    }

    @Test func theSameSeedAsksTheSame() throws {
        func requests() throws -> [String] {
            let sandbox = SandboxWorld(seed: 5, order: .shuffled) { $0.timings.jitter = 0.3 }
            try sandbox.simulation.run { world in
                let cloud = sandbox.client(world)
                let new = try await cloud.anyServer("n")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            let id = try await cloud.compute.createServer(new, for: call).id
                            _ = try await cloud.watcher.server(id, for: call) { $0.status == .active }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            return sandbox.requests.withLock { $0 }
        }
        #expect(try requests() == requests())
    }
}
