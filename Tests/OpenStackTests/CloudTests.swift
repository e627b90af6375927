import HTTPKit
import OpenStack
import Resilience
import Sandbox
import Simulation
import Testing
import World

/// The client against the Sandbox's cloud.
@Suite struct CloudTests {
    private let call = Call()

    @Test func aServerFromBirthToDeath() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            var new = try await cloud.anyServer("target001")
            new.metadata = ["cirrata_key": "k1"]
            let created = try await cloud.compute.createServer(new, for: call)
            #expect(created.requestID?.hasPrefix("req-") == true)
            let began = world.time.now
            let active = try await cloud.watcher.server(created.id, for: call) { $0.status == .active }
            #expect(active?.metadata == ["cirrata_key": "k1"])
            #expect(active?.addresses.count == 1)
            #expect(world.time.now - began < .seconds(22))
            let listing = try await cloud.compute.servers(for: call)
            #expect(listing.items.map(\.id) == [created.id] && listing.complete)
            #expect(try await cloud.compute.consoleTail(created.id, lines: 10, for: call) != nil)

            let volume = try await cloud.blockStorage.createVolume(NewVolume(name: "target001_0", size: 1), for: call)
            _ = try await cloud.watcher.volume(volume.id, for: call) { $0.status == .available }
            _ = try await cloud.compute.attach(volume: volume.id, to: created.id, for: call)
            let attached = try await cloud.watcher.volume(volume.id, for: call) { $0.isAttached(to: created.id) }
            #expect(attached != nil)

            _ = try await cloud.compute.deleteServer(created.id, for: call)
            try await cloud.watcher.serverGone(created.id, for: call)
            #expect(try await cloud.compute.server(created.id, for: call) == nil)
            #expect(try await cloud.compute.deleteServer(created.id, for: call) == .alreadyGone)
            _ = try await cloud.watcher.volume(volume.id, for: call) { $0.status == .available }
            _ = try await cloud.blockStorage.deleteVolume(volume.id, for: call)
            try await cloud.watcher.volumeGone(volume.id, for: call)
        }
        #expect(sandbox.count("POST /identity") == 1)
    }

    @Test func aRevokedTokenCostsOneLoginAndNothingElse() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            let new = try await cloud.anyServer("target001")
            sandbox.operate { $0.revokeTokens() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await cloud.compute.createServer(new, for: call) }
                for _ in 0..<10 { group.addTask { _ = try await cloud.compute.limits(for: call) } }
                try await group.waitForAll()
            }
        }
        #expect(sandbox.count("POST /identity") == 2)
        #expect(sandbox.operate { $0.serversCreated } == 1)
    }

    @Test func theTokenIsRenewedBeforeItEnds() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            _ = try await cloud.compute.limits(for: call)
            try await world.time.sleep(for: .seconds(3_000))
            _ = try await cloud.compute.limits(for: call)
            #expect(sandbox.count("POST /identity") == 1)
            try await world.time.sleep(for: .seconds(310))
            _ = try await cloud.compute.limits(for: call)
            #expect(sandbox.count("POST /identity") == 2)
        }
    }

    @Test func anAilingKeystoneDoesNotStopOthersWhileTheTokenLives() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            _ = try await cloud.compute.limits(for: call)
            sandbox.intercepting { request in
                request.url.contains("/identity/") ? .response(HTTPResponse(status: 503)) : nil
            }
            try await world.time.sleep(for: .seconds(3_350))
            let began = world.time.now
            for _ in 0..<5 { _ = try await cloud.compute.limits(for: call) }
            #expect(world.time.now - began < .seconds(1))
        }
    }

    @Test func aWrongPasswordIsTheSitesFault() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world, password: "wrong")
            do {
                _ = try await cloud.compute.limits(for: call)
                #expect(Bool(false), "the login should be refused")
            } catch let error as ServiceError {
                #expect(error.kind == .site && error.service == "keystone")
                #expect(!"\(error)".contains("wrong password:"))
                #expect(!error.next.isEmpty)
            }
            #expect(cloud.gates.identity.state.name == "configuration")
        }
    }

    @Test func aChangedPasswordIsReadAgain() throws {
        let sandbox = SandboxWorld()
        let password = Locked("old")
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world) { settings in
                settings.credential = .password(
                    user: Principal(name: "cirrata"), password: CloudSecret { password.withLock { $0 } },
                    project: Principal(name: "lab"))
            }
            await #expect(throws: ServiceError.self) { try await cloud.compute.limits(for: call) }
            password.withLock { $0 = "secret" }
            let began = world.time.now
            try await cloud.untilOpen()
            #expect(world.time.now - began <= .seconds(31))
            _ = try await cloud.compute.limits(for: call)
        }
    }

    @Test func whoWaitsForALoginIsParkedInItsOwnTime() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            cloud.gates.identity.closeForConfiguration("test")
            let began = world.time.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                // The one who logs in for all has all the time in the world.
                group.addTask { _ = try await cloud.compute.limits(for: Call()) }
                for seconds in [30, 20, 20] {
                    group.addTask {
                        await #expect(throws: Parked.self) {
                            try await cloud.compute.limits(for: Call(parkAfter: .seconds(seconds)))
                        }
                        #expect(world.time.now - began == .seconds(seconds))
                    }
                }
                try await world.time.sleep(for: .seconds(60))
                cloud.gates.identity.reopen()
                try await group.waitForAll()
            }
        }
    }

    @Test func anAuthURLOfV2FallsBackWithAWarning() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world) { $0.authURL = SandboxWorld.root + "/identity/v2.0/tokens" }
            _ = try await cloud.compute.limits(for: call)
            cloud.identity.drop()
            _ = try await cloud.compute.limits(for: call)
        }
        #expect(sandbox.warnings.withLock { $0.count } == 1)
        #expect(sandbox.count("POST /identity/v2.0/tokens") == 1)
        #expect(sandbox.count("POST /identity/v3/auth/tokens") == 2)
    }

    @Test func identityV2WorksWhereItStillIs() throws {
        let sandbox = SandboxWorld { $0.identityV2 = true }
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world) { $0.authURL = SandboxWorld.root + "/identity/v2.0/tokens" }
            _ = try await cloud.blockStorage.limits(for: call)
        }
        #expect(sandbox.count("POST /identity/v3") == 0)
    }

    @Test func aMissingRegionNamesWhatThereIs() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world) { $0.region = "GRA11" }
            do {
                _ = try await cloud.compute.limits(for: call)
                #expect(Bool(false), "there is no such region")
            } catch let error as ServiceError {
                #expect(error.kind == .site)
                #expect(error.message.contains("RegionOne"))
            }
        }
    }

    @Test func listsGoOnToTheirEnd() throws {
        let sandbox = SandboxWorld { $0.maximumPage = 7 }
        try sandbox.simulation.run { world in
            for index in 0..<40 {
                _ = sandbox.operate { $0.addServer(named: "n\(index)", at: world.time.wallClock) }
            }
            let cloud = sandbox.client(world)
            let listing = try await cloud.compute.servers(for: call)
            #expect(Set(listing.items.map(\.name)).count == 40)
        }
        #expect(sandbox.count("GET /compute/v2.1/servers/detail") >= 6)
    }

    @Test func aListThatGoesRoundInCirclesIsAnError() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            sandbox.intercepting { request in
                guard request.url.contains("/servers/detail") else { return nil }
                let body: JSONValue = [
                    "servers": [],
                    "servers_links": [["rel": "next", "href": "http://internal/v2.1/servers/detail?marker=x"]],
                ]
                return .response(HTTPResponse(status: 200, body: body.bytes))
            }
            await #expect(throws: ServiceError.self) { try await cloud.compute.servers(for: call) }
        }
        #expect(sandbox.count("GET /compute/v2.1/servers/detail") == 2)
    }

    /// Each page names a next one: the worker's memory is not the service's to fill.
    @Test func aListWithoutEndIsAnError() throws {
        let sandbox = SandboxWorld()
        let pages = Locked(0)
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            sandbox.intercepting { request in
                guard request.url.contains("/servers/detail") else { return nil }
                let page = pages.withLock { pages in
                    pages += 1
                    return pages
                }
                let body: JSONValue = [
                    "servers": [],
                    "servers_links": [["rel": "next", "href": .string("http://internal/?marker=\(page)")]],
                ]
                return .response(HTTPResponse(status: 200, body: body.bytes))
            }
            do {
                _ = try await cloud.compute.servers(for: call)
                Issue.record("a list without end was read to its end")
            } catch let error as ServiceError {
                #expect(error.kind == .transient)
                #expect(error.message.contains("does not end"))
            }
        }
        #expect(pages.withLock { $0 } <= 3_000)
    }

    @Test func aProxysNotFoundIsNoProof() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            let created = try await cloud.compute.createServer(try await cloud.anyServer("a"), for: call)
            sandbox.intercepting { request in
                request.url.contains("/servers/") && request.method == .get
                    ? .response(HTTPResponse(status: 404, body: Array("<html>Not Found</html>".utf8))) : nil
            }
            await #expect(throws: ServiceError.self) { try await cloud.compute.server(created.id, for: call) }
        }
    }

    @Test func staleListsAreDropped() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            let new = try await cloud.anyServer("a")
            let first = try await cloud.inventory.images(for: call)
            sandbox.operate { $0.removeImage(new.imageID) }
            #expect(try await cloud.inventory.images(for: call) == first)
            do {
                _ = try await cloud.compute.createServer(new, for: call)
                #expect(Bool(false), "the image is gone")
            } catch let error as ServiceError {
                #expect(error.smellsOfStaleness && error.kind == .permanent)
            }
            #expect(try await cloud.inventory.images(for: call).contains { $0.id == new.imageID } == false)
        }
    }

    @Test func quotaClosesTheCreateGateAndRemovalsPass() throws {
        let sandbox = SandboxWorld { $0.quotas.instances = 1 }
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            let new = try await cloud.anyServer("a")
            let created = try await cloud.compute.createServer(new, for: call)
            do {
                _ = try await cloud.compute.createServer(new, for: call)
                #expect(Bool(false), "the quota is used up")
            } catch let error as ServiceError {
                #expect(error.kind == .capacity)
            }
            #expect(cloud.gates.compute.state.name == "no-capacity")
            let began = world.time.now
            _ = try await cloud.compute.deleteServer(created.id, for: call)
            #expect(world.time.now - began < .seconds(1))
        }
    }

    @Test func everyServiceCanBeProbed() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let results = try await sandbox.client(world).probe()
            #expect(results.map(\.service) == OpenStackService.allCases)
            #expect(results.compactMap(\.error).map(\.description) == [])
        }
    }

    @Test func aStrandedVolumeIsFreedByItsAttachment() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            let volume = try await cloud.blockStorage.createVolume(NewVolume(name: "v", size: 1), for: call)
            _ = try await cloud.watcher.volume(volume.id, for: call) { $0.status == .available }
            sandbox.operate { $0.strandVolume(volume.id, at: world.time.wallClock) }
            let ids = try await cloud.blockStorage.attachmentIDs(ofVolume: volume.id, for: call)
            #expect(ids.count == 1)
            for id in ids { _ = try await cloud.blockStorage.deleteAttachment(id, for: call) }
            _ = try await cloud.watcher.volume(volume.id, for: call) { $0.status == .available }
        }
    }
}
