import Configuration
import Jobs
import Lab
import OpenStack
import Pipelines
import Resilience
import World

extension NodeWork {
    /// How one build ended.
    private enum Build: Sendable {
        case active(Server, address: IPAddress, mac: String?)
        case gone
        case failed(why: String, capacity: Bool)
    }

    private static let tries = 3
    /// ACTIVE may come a little before the addresses do (facts/openstack.md section 3, 26).
    private static let addressGrace = Duration.seconds(60)

    /// Waits until the server is ACTIVE with an address; one that fails to build is replaced, three times in all.
    func waitActive(_ run: StepRun) async throws -> String {
        while true {
            guard let id = known.serverID else {
                // Whether the request for another server had its effect is for the next delivery to see.
                throw Ending(.retry, "no-server", "another server was asked for, and what came of it is not known")
            }
            switch try await build(of: id, run) {
            case .active(let server, let address, let mac):
                update { memory in
                    memory.server = server
                    memory.address = address
                    memory.mac = mac
                }
                addAddresses(server.parsedAddresses)
                provider.capacityProved()
                return "ACTIVE at \(address)"
            case .gone:
                throw Ending(
                    .superseded, "server-vanished", "server \(id) was removed by somebody else while it was built",
                    next: "enqueue the node again if it is still wanted")
            case .failed(let why, let capacity):
                try await replace(id, why, capacity: capacity, run)
            }
        }
    }

    private func build(of id: String, _ run: StepRun) async throws -> Build {
        let limit = site.limits(of: .waitActive).timeout
        let began = world.time.now
        let provider = provider
        let activeSince = Locked<Moment?>(nil)
        let lastStatus = Locked<ServerStatus?>(nil)
        let time = world.time
        let watcher = cloud.watcher
        do {
            let server = try await waiting(run) {
                try await time.withTimeout(limit, doing: "wait for server \(id)") {
                    try await watcher.server(id, for: run.call) { server in
                        lastStatus.withLock { $0 = server.status }
                        if server.isDeleting || server.status == .error { return true }
                        guard server.status == .active else { return false }
                        if provider.chosenAddress(of: server) != nil { return true }
                        let since = activeSince.withLock { value in
                            value = value ?? time.now
                            return value
                        }
                        return since.map { time.now - $0 >= Self.addressGrace } ?? false
                    }
                }
            }
            guard let server, !server.isDeleting else { return .gone }
            return try await judge(server, run)
        } catch is TimeoutError {
            let status = lastStatus.withLock { $0 }.map { "is \($0.name)" } ?? "was never seen"
            return .failed(
                why: "it \(status), still not ACTIVE after \((world.time.now - began).short)", capacity: false)
        }
    }

    private func judge(_ server: Server, _ run: StepRun) async throws -> Build {
        if server.status == .active {
            guard let chosen = provider.chosenAddress(of: server) else {
                return .failed(
                    why:
                        "ACTIVE without an address on \(provider.settings.sshInterface.rawValue) for \(Self.addressGrace.short)",
                    capacity: false)
            }
            return .active(server, address: chosen.address, mac: chosen.mac)
        }
        // Lists do not carry the fault, only a look by id does (facts/openstack-recordings 191, 517).
        let fault = try await cloud.compute.server(server.id, for: run.call)?.fault ?? server.fault
        return .failed(
            why: fault.map { "ERROR: \($0.message)" } ?? "ERROR, without a fault",
            capacity: fault?.kind.isCapacity ?? false)
    }

    /// Removes a server that failed to build and makes another, in another zone where this one is full.
    private func replace(_ id: String, _ why: String, capacity: Bool, _ run: StepRun) async throws {
        run.warning("server \(id) failed to build: \(why)")
        // Whatever it died of: with it goes what it said.
        if let console = try await cloud.compute.consoleTail(id, lines: 40, for: run.call), !console.isEmpty {
            run.note("console of \(id):\n\(console)")
        }
        let zone = provider.zones.first { !known.fullZones.contains($0) }
        update { memory in
            memory.failedBuilds += 1
            if capacity, let zone { memory.fullZones.append(zone) }
        }
        try await removeServer(id: id, name: try node().short, run)
        remember(\.server, nil)
        if capacity {
            guard provider.zones.contains(where: { !known.fullZones.contains($0) }) else {
                provider.noCapacity(why)
                throw Ending(
                    .wait, "no-capacity", "\(provider.name) has no room for another server: \(why)",
                    next: "wait until servers are destroyed, or raise the quota")
            }
        } else if known.failedBuilds >= Self.tries {
            throw Ending(
                .failed, "build-failed", "\(known.failedBuilds) servers failed to build, the last one: \(why)",
                next: "look at the fault and the console of the server, then retry")
        }
        guard let plan = known.plan else { throw Trouble("no-plan", "nothing is planned to be built") }
        _ = try await post(plan, run)
    }
}
