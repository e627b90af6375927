import Resilience
import TestSupport
import Testing
import World

@testable import Lab

/// The system's ssh and ssh-keyscan against a real sshd.
@Suite(.serialized) struct RealSSHTests {
    static let host = "127.0.0.1"

    private func readiness(_ server: SSHServer, _ settings: SSHSettings? = nil) -> SSHReadiness {
        SSHReadiness(settings: settings ?? server.settings, world: server.world, permits: Permits(32))
    }

    private static func thisHost(_ world: World) throws -> ShortName {
        try ShortName(world.host.name.split(separator: ".").first.map { $0.lowercased() } ?? "")
    }

    @Test func aNodeOnItsWayToReady() async throws {
        try await SSHServer.run { server in
            let ssh = readiness(server)
            let name = try Self.thisHost(server.world)
            try await ssh.waitForPort(Self.host)

            let keys = try await ssh.hostKeys(Self.host)
            #expect(keys.lines.count == 2)
            let ecdsa = try await server.world.files.read("\(server.folder)/host_ecdsa.pub", limit: 1 << 16)
            let expected = String(decoding: ecdsa, as: UTF8.self).split(separator: " ").prefix(2).joined(separator: " ")
            #expect(keys.first == expected)

            let sentinel = "\(server.folder)/provisioned"
            let early = try await ssh.check(Self.host, isNode: name, sentinel: sentinel, keys: keys)
            #expect(early == .notYet("cloud-init is not through: the sentinel file is missing"))
            try await server.world.files.write(sentinel, [], mode: 0o600)
            let answer = try await ssh.check(Self.host, isNode: name, sentinel: sentinel, keys: keys)
            guard case .ready(let facts) = answer else {
                Issue.record("\(answer)")
                return
            }
            #expect(facts.arch != nil && !facts.osID.isEmpty)
            #expect(!facts.osID.contains("\"") && !facts.osVersion.contains("\""))
            let left = try await server.world.files.permissions("\(server.settings.folder)/known_hosts.\(name)")
            #expect(left == nil)
        }
    }

    @Test func othersAreToldApart() async throws {
        try await SSHServer.run { server in
            let name = try Self.thisHost(server.world)
            let keys = try await readiness(server).hostKeys(Self.host)
            let other = try await readiness(server).check(
                Self.host, isNode: try ShortName("surely-not-this-host"), sentinel: nil, keys: keys)
            #expect(other == .wrongHost(said: server.world.host.name))

            var stranger = server.settings
            stranger.identityFile = server.stranger
            let denied = try await readiness(server, stranger).check(Self.host, isNode: name, sentinel: nil, keys: keys)
            #expect(denied == .denied("\(server.user)@\(Self.host): Permission denied (publickey)."))

            let published = try await server.world.files.read("\(server.stranger).pub", limit: 1 << 16)
            let wrongKeys = HostKeys(keyscanOutput: Array("h ".utf8) + published.dropLast(" test\n".utf8.count))
            let changed = try await readiness(server).check(Self.host, isNode: name, sentinel: nil, keys: wrongKeys)
            guard case .otherHostKey = changed else {
                Issue.record("\(changed)")
                return
            }
        }
    }

    @Test func aSessionThatHangsIsEnded() async throws {
        try await SSHServer.run("ForceCommand cat\n") { server in
            var settings = server.settings
            settings.commandTimeout = .seconds(1)
            let ssh = readiness(server, settings)
            let keys = try await ssh.hostKeys(Self.host)
            let name = try Self.thisHost(server.world)
            // The input is empty, so `cat` ends at once and says nothing of ours.
            let silent = try await ssh.check(Self.host, isNode: name, sentinel: nil, keys: keys)
            #expect(silent == .notYet(#"it ran another command than ours and said """#))
        }
        try await SSHServer.run("ForceCommand sleep 5\n") { server in
            var settings = server.settings
            settings.commandTimeout = .milliseconds(500)
            let ssh = readiness(server, settings)
            let keys = try await readiness(server).hostKeys(Self.host)
            let name = try Self.thisHost(server.world)
            let hanging = try await ssh.check(Self.host, isNode: name, sentinel: nil, keys: keys)
            #expect(hanging == .notYet("no answer within 500ms"))
        }
    }

    @Test func nobodyListens() async throws {
        try await withLiveWorld { world in
            let settings = SSHSettings(
                user: "nobody", identityFile: "/nonexistent", port: try freePort(), folder: "/tmp")
            let ssh = SSHReadiness(settings: settings, world: world, permits: Permits(32))
            #expect(try await ssh.hostKeys(Self.host).isEmpty)
            let refused = Signal<NetworkFailure>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ssh.waitForPort(Self.host) { refused.raise($0) } }
                let failure = try await refused.wait()
                #expect(failure.reason == .refused)
                group.cancelAll()
            }
        }
    }

    @Test func aMissingProgramIsTheSitesFault() async throws {
        try await withLiveWorld { world in
            let settings = SSHSettings(
                user: "nobody", identityFile: "/nonexistent", folder: "/tmp", keyscanProgram: "cirrata-no-such-program")
            let ssh = SSHReadiness(settings: settings, world: world, permits: Permits(1))
            let error = await serviceError { _ = try await ssh.hostKeys(Self.host) }
            #expect(error?.kind == .site)
            #expect(error?.message == "cannot run cirrata-no-such-program: not found in PATH")
        }
    }
}
