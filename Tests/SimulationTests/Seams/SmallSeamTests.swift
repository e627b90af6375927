import Simulation
import Testing
import World

@Suite struct SmallSeamTests {
    @Test func filesBehaveLikeFiles() throws {
        let simulation = Simulation(seed: 1)
        try simulation.files.place("/etc/cirrata.yaml", Array("site: lab".utf8), mode: 0o640)
        try simulation.run { world in
            #expect(try await world.files.read("/etc/cirrata.yaml", limit: 100) == Array("site: lab".utf8))
            #expect(try await world.files.permissions("/etc/cirrata.yaml") == 0o640)
            #expect(try await world.files.permissions("/etc/nothing") == nil)
            await #expect(
                throws: FileFailure(reason: .tooLarge, path: "/etc/cirrata.yaml", detail: "more than 3 bytes")
            ) {
                try await world.files.read("/etc/cirrata.yaml", limit: 3)
            }
            await #expect(throws: FileFailure.self) { try await world.files.write("/var/run/x", [1], mode: 0o600) }
            try await world.files.createFolder("/var/run")
            try await world.files.write("/var/run/x", [1], mode: 0o600)
            #expect(try await world.files.permissions("/var/run") == 0o700)
            try await world.files.remove("/var/run/x")
            try await world.files.remove("/var/run/x")
            await #expect(throws: FileFailure.self) { try await world.files.read("/var/run/x", limit: 9) }
        }
    }

    @Test func childrenAndDatagramsAreClosures() throws {
        let simulation = Simulation(seed: 1)
        simulation.children.handle { command in
            command.program == "ssh"
                ? .ended(ChildResult(end: .exited(0), output: Array("abcdef".utf8), errors: []), after: .seconds(3))
                : .never
        }
        simulation.datagrams.handle { payload, _, port in
            port == 53 ? .datagrams([[0], payload.reversed()], after: .milliseconds(2)) : port == 1 ? .refused : .never
        }
        try simulation.run { world in
            let start = world.time.now
            let result = try await world.children.run(ChildCommand("ssh", ["node"], maximumOutput: 3))
            #expect(result.succeeded)
            #expect(result.output == Array("abc".utf8))
            #expect(world.time.now - start == .seconds(3))
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.seconds(1), doing: "hang") {
                    try await world.children.run(ChildCommand("sleep", ["9"]))
                }
            }
            let answer = try await world.datagrams.exchange([1, 2], with: "ns", port: 53, timeout: .seconds(1)) {
                $0.count == 2
            }
            #expect(answer == [2, 1])
            await #expect(throws: NetworkFailure.self) {
                try await world.datagrams.exchange([1], with: "ns", port: 1, timeout: .seconds(1)) { _ in true }
            }
            let before = world.time.now
            await #expect(throws: NetworkFailure.self) {
                try await world.datagrams.exchange([1], with: "ns", port: 2, timeout: .seconds(5)) { _ in true }
            }
            #expect(world.time.now - before == .seconds(5))
        }
    }

    @Test func computeWorksInPlace() throws {
        let sum = try Simulation(seed: 1).run { world in try await world.compute.run { (1...10).reduce(0, +) } }
        #expect(sum == 55)
    }
}
