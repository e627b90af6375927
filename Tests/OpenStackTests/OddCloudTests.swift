import HTTPKit
import OpenStack
import Resilience
import Sandbox
import Simulation
import Testing
import World

/// Clouds that differ from what the documentation says.
@Suite struct OddCloudTests {
    private let call = Call()

    /// Answers a list with more in front of it.
    private func prepend(_ items: [JSONValue], to member: String, of path: String, _ sandbox: SandboxWorld) {
        sandbox.changing { request, response in
            guard request.method == .get, URLText.target(of: request.url).path.hasSuffix(path),
                var body = try? JSONValue(parsing: response.body).object, let list = body[member]?.array
            else { return }
            body[member] = .array(items + list)
            response.body = JSONValue.object(body).bytes
        }
    }

    @Test func oneOddElementDoesNotSpoilAList() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            let whole = try await cloud.inventory.images(for: call)
            prepend(
                [["id": "i", "name": "Ubuntu", "status": "active", "os_hidden": "true", "min_disk": "x"], ["id": 7]],
                to: "images", of: "/images", sandbox)
            await cloud.inventory.drop()
            #expect(try await cloud.inventory.images(for: call).map(\.id) == ["i"] + whole.map(\.id))
            #expect(await cloud.inventory.odd == ["image (unexpected value at 1.id)"])
            prepend([["id": "f", "name": "big", "ram": "8 GB"]], to: "flavors", of: "/flavors/detail", sandbox)
            #expect(try await cloud.inventory.flavors(for: call).isEmpty == false)
            #expect(await cloud.inventory.odd.last?.hasPrefix("image") == true)
            #expect(await cloud.inventory.odd.first == "flavor big f (unexpected value at 0.ram)")
        }
    }

    @Test func pagesOfAListAreBounded() throws {
        let sandbox = SandboxWorld()
        let padding: JSONValue = ["id": "f", "name": "big", "padding": .string(String(repeating: "x", count: 3 << 20))]
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            prepend([padding], to: "flavors", of: "/flavors/detail", sandbox)
            let flavors = try await cloud.inventory.flavors(for: call)
            #expect(flavors.first?.name == "big")
            prepend([padding, padding, padding], to: "flavors", of: "/flavors/detail", sandbox)
            await cloud.inventory.drop()
            let error = await #expect(throws: ServiceError.self) { try await cloud.inventory.flavors(for: call) }
            #expect(error?.kind == .site && error?.message.contains("8388608 bytes") == true)
        }
    }

    @Test func whatCannotBeReadIsNotAbsent() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            _ = try await cloud.compute.createServer(try await cloud.anyServer("a"), for: call)
            prepend([["id": "s", "name": "ovh001", "metadata": "x"]], to: "servers", of: "/servers/detail", sandbox)
            let listing = try await cloud.compute.servers(for: call)
            #expect(listing.items.map(\.name) == ["a"])
            #expect(listing.odd.map(\.description) == ["ovh001 s (unexpected value at 0.metadata)"])
            #expect(listing.odd.map(\.name) == ["ovh001"])
        }
    }

    private static let networks = ["46b5d93b-c2c3-45bd-888d-3257efccb635", "7afd63d2-13e4-4205-8d5b-530ab2719c93"]

    @Test func addressesStandInTheOrderOfTheNetworks() throws {
        let sandbox = SandboxWorld { cloud in
            cloud.networks = [
                CloudNetwork(id: Self.networks[0], name: "z-first", subnet: "s1", cidr: "10.1.0.0/24"),
                CloudNetwork(id: Self.networks[1], name: "a-second", subnet: "s2", cidr: "10.2.0.0/24"),
            ]
        }
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            #expect(try await cloud.inventory.networks(for: call).map(\.id) == Self.networks)
            var new = try await cloud.anyServer("a")
            new.networkIDs = Self.networks
            let created = try await cloud.compute.createServer(new, for: call)
            let active = try await cloud.watcher.server(created.id, for: call) { $0.status == .active }
            #expect(active?.addresses.map { String($0.address.prefix(5)) } == ["10.1.", "10.2."])
        }
    }

    @Test func aCloudWithoutCinderHasNoVolumes() throws {
        let sandbox = SandboxWorld { $0.missingTypes = ["volumev3", "block-storage", "volumev2", "volume"] }
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            let isOffered = try await cloud.blockStorage.isOffered(for: call)
            #expect(!isOffered)
            #expect(try await cloud.blockStorage.volumes(for: call).items.isEmpty)
            let listing = try await cloud.watcher.volumes(requestedAfter: world.time.now, for: call)
            #expect(listing.items.isEmpty && listing.complete)
            await #expect(throws: ServiceError.self) {
                try await cloud.blockStorage.createVolume(NewVolume(name: "v", size: 1), for: call)
            }
        }
        #expect(sandbox.count("GET /volume") == 0)
    }

    /// What the configuration names, or what is only not listed in our way, is no proof that there is none.
    @Test func aCinderThatIsNotFoundIsNoAbsence() throws {
        let other = SandboxWorld()
        try other.simulation.run { world in
            let cloud = other.client(world) { $0.overrides[.blockStorage] = ServiceOverride(region: "elsewhere") }
            let isOffered = try await cloud.blockStorage.isOffered(for: call)
            #expect(isOffered)
            let error = await #expect(throws: ServiceError.self) { try await cloud.blockStorage.volumes(for: call) }
            #expect(error?.kind == .site)
        }
        let odd = SandboxWorld()
        try odd.simulation.run { world in
            odd.changing { request, response in
                guard request.url.hasSuffix("/auth/tokens") else { return }
                let text = response.text.replacing("\"url\":\"\(SandboxWorld.root)/volume", with: "\"href\":\"")
                response.body = Array(text.utf8)
            }
            let cloud = odd.client(world)
            await #expect(throws: ServiceError.self) { try await cloud.blockStorage.volumes(for: call) }
        }
    }

    @Test func onlyTheProjectsOwnSecurityGroupsCount() throws {
        let sandbox = SandboxWorld { cloud in
            cloud.securityGroups.append(
                CloudSecurityGroup(id: "foreign", name: "default", project: cloud.projects[1].id, isShared: true))
        }
        try sandbox.simulation.run { world in
            let groups = try await sandbox.client(world).inventory.securityGroups(for: call)
            #expect(groups.map(\.name) == ["default"] && groups.first?.id != "foreign")
        }
        #expect(sandbox.count("GET /network/v2.0/security-groups?project_id=") == 1)
    }

    @Test func aPluginThatIgnoresTheFilterDoesNotMatter() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world)
            prepend(
                [["id": "foreign", "name": "default", "project_id": "another"]], to: "security_groups",
                of: "/security-groups", sandbox)
            let groups = try await cloud.inventory.securityGroups(for: call)
            #expect(groups.map(\.name) == ["default"] && groups.first?.id != "foreign")
        }
    }

    @Test func anEchoShowsNeitherTokenNorPassword() throws {
        let sandbox = SandboxWorld()
        let token = Locked("")
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world, password: "hush&12")
            sandbox.operate { $0.setPassword("hush&12", ofUser: "cirrata") }
            sandbox.changing { request, response in
                guard !request.url.hasSuffix("/auth/tokens") else { return }
                token.withLock { $0 = request.headers["X-Auth-Token"] ?? "" }
                response = HTTPResponse(status: 400, body: Array("<pre>\(request.headers.fields)</pre>".utf8))
            }
            let refused = await #expect(throws: ServiceError.self) { try await cloud.compute.limits(for: call) }
            #expect(refused?.message.contains("(hidden)") == true)
            #expect(token.withLock { refused?.message.contains($0) } == false)
            sandbox.changing { request, response in response = HTTPResponse(status: 400, body: request.body) }
            cloud.identity.drop()
            let login = await #expect(throws: ServiceError.self) { try await cloud.compute.limits(for: call) }
            #expect(login?.service == "keystone" && login?.message.contains("(hidden)") == true)
            #expect(login?.message.contains("hush") == false)
        }
        #expect(!token.withLock { $0.isEmpty })
    }

    @Test func aTokenThatGoesInClearTextIsWarnedOfOnce() throws {
        let sandbox = SandboxWorld()
        sandbox.simulation.http.serve("https://cloud:5000") { request, _ in
            var request = request
            request.url = request.url.replacing("https://cloud:5000", with: SandboxWorld.root)
            return .response((try? await sandbox.simulation.world.http.execute(request)) ?? HTTPResponse(status: 500))
        }
        try sandbox.simulation.run { world in
            let cloud = sandbox.client(world) {
                $0.authURL = "https://cloud:5000/identity"
                $0.overrides[.image] = ServiceOverride(endpoint: SandboxWorld.root + "/image")
            }
            _ = try await cloud.compute.limits(for: call)
            cloud.identity.drop()
            _ = try await cloud.compute.limits(for: call)
        }
        let warnings = sandbox.warnings.withLock { $0 }
        // Of cinder, neutron and nova: what the configuration itself names is its word.
        #expect(warnings.count == 3 && warnings.allSatisfy { $0.contains("in clear text") })
        #expect(!warnings.contains { $0.contains("glance") })
    }
}

/// Accounts are locked after a few wrong passwords.
@Suite struct RefusedLoginTests {
    private let call = Call()

    private func cloud(_ sandbox: SandboxWorld, _ world: World, _ secret: CloudSecret) -> Cloud {
        sandbox.client(world) { settings in
            settings.credential = .password(
                user: Principal(name: "cirrata"), password: secret, project: Principal(name: "lab"))
        }
    }

    @Test func isTriedEverMoreRarely() throws {
        let sandbox = SandboxWorld()
        let times = Locked([Moment]())
        try sandbox.simulation.run { world in
            sandbox.changing { request, _ in
                if request.url.hasSuffix("/auth/tokens") { times.withLock { $0.append(world.time.now) } }
            }
            let cloud = cloud(sandbox, world, CloudSecret { "wrong" })
            await #expect(throws: (any Error).self) {
                try await world.time.withTimeout(.seconds(6 * 3_600), doing: "log in") {
                    while true {
                        do { _ = try await cloud.compute.limits(for: call) } catch is ServiceError {}
                    }
                }
            }
        }
        let gaps = times.withLock { times in zip(times, times.dropFirst()).map { ($1 - $0).seconds.rounded() } }
        #expect(gaps.prefix(5) == [30, 120, 480, 1_920, 3_600])
        #expect(gaps.count <= 9)
    }

    @Test(arguments: [true, false]) func isTriedSoonAfterTheFileChanged(changesText: Bool) throws {
        let sandbox = SandboxWorld()
        let password = Locked((text: "old", modified: Timestamp(seconds: 1)))
        try sandbox.simulation.run { world in
            let secret = CloudSecret({ password.withLock(\.text) }, modified: { password.withLock(\.modified) })
            let cloud = cloud(sandbox, world, secret)
            for _ in 0..<4 { await #expect(throws: ServiceError.self) { try await cloud.compute.limits(for: call) } }
            let began = world.time.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await cloud.untilOpen() }
                try await world.time.sleep(for: .seconds(300))
                #expect(cloud.gates.identity.state.name == "configuration")
                if changesText {
                    password.withLock { $0.text = "secret" }
                } else {
                    // Mended in Keystone; the operator touches the file.
                    sandbox.operate { $0.setPassword("old", ofUser: "cirrata") }
                    password.withLock { $0.modified = Timestamp(seconds: 2) }
                }
                try await group.waitForAll()
            }
            #expect(world.time.now - began <= .seconds(311))
        }
        #expect(sandbox.count("POST /identity") == 5)
    }

    @Test func saysWhenItIsTriedAgain() throws {
        let sandbox = SandboxWorld()
        try sandbox.simulation.run { world in
            let cloud = cloud(sandbox, world, CloudSecret { "wrong" })
            let error = await #expect(throws: ServiceError.self) { try await cloud.compute.limits(for: call) }
            #expect(
                error?.next.hasSuffix("the next try is in 30s, or soon after the password's file was written") == true)
        }
    }
}
