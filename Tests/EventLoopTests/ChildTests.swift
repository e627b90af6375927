import EventLoop
import Glibc
import TestSupport
import Testing
import World

@Suite(.timeLimit(.minutes(1))) struct ChildTests {
    @Test func outputAndExitCode() async throws {
        try await withLiveWorld { world in
            let result = try await world.children.run(
                ChildCommand("sh", ["-c", "echo out; echo \"$0\" >&2; exit 7", "a b;c"]))
            #expect(result.end == .exited(7))
            #expect(!result.succeeded)
            #expect(result.output == Array("out\n".utf8))
            #expect(result.errors == Array("a b;c\n".utf8))
            #expect(try await world.children.run(ChildCommand("/bin/true", [])).succeeded)
        }
    }

    @Test func aSignalledEnd() async throws {
        try await withLiveWorld { world in
            let result = try await world.children.run(ChildCommand("sh", ["-c", "kill -TERM $$"]))
            #expect(result.end == .signalled(SIGTERM))
        }
    }

    @Test func missingPrograms() async throws {
        try await withLiveWorld { world in
            let inPath = await #expect(throws: ChildFailure.self) {
                try await world.children.run(ChildCommand("no-such-program-here", []))
            }
            #expect(inPath?.description == "cannot run no-such-program-here: not found in PATH")
            let atPath = await #expect(throws: ChildFailure.self) {
                try await world.children.run(ChildCommand("/no/such/program", []))
            }
            #expect(atPath?.detail == "No such file or directory")
            let denied = await #expect(throws: ChildFailure.self) {
                try await world.children.run(ChildCommand("/etc/passwd", []))
            }
            #expect(denied?.detail == "Permission denied")
            await #expect(throws: ChildFailure.self) {
                try await world.children.run(ChildCommand("echo", ["a\0b"]))
            }
        }
    }

    @Test func inputIsDelivered() async throws {
        try await withLiveWorld { world in
            let input = manyBytes(1_000_000)
            let copy = try await world.children.run(ChildCommand("cat", [], input: input, maximumOutput: 2_000_000))
            #expect(copy.output == input)
            // One that ends without reading is no error of ours.
            #expect(try await world.children.run(ChildCommand("true", [], input: input)).succeeded)
            #expect(try await world.children.run(ChildCommand("cat", [])).output == [])
        }
    }

    @Test func outputBeyondTheLimitIsDropped() async throws {
        try await withLiveWorld { world in
            let result = try await world.children.run(
                ChildCommand("sh", ["-c", "head -c 5000000 /dev/zero; echo end >&2"], maximumOutput: 1_000))
            #expect(result.succeeded)
            #expect(result.output == [UInt8](repeating: 0, count: 1_000))
            #expect(result.errors == Array("end\n".utf8))
        }
    }

    @Test func theEnvironmentIsMinimal() async throws {
        try await withLiveWorld { world in
            let result = try await world.children.run(ChildCommand("env", [], environment: ["MORE": "x=y"]))
            let names = String(decoding: result.output, as: UTF8.self).split(separator: "\n")
                .map { String($0.prefix { $0 != "=" }) }
            #expect(Set(names).isSubset(of: ["PATH", "HOME", "LANG", "MORE"]))
            #expect(names.contains("MORE"))
        }
    }

    @Test func nothingOfOursIsInherited() async throws {
        try await withLiveWorld { world in
            // A descriptor without close-on-exec, as a library may open.
            let leak = open("/dev/null", O_RDONLY)
            defer { close(leak) }
            let open = try await world.children.run(ChildCommand("ls", ["/proc/self/fd"]))
            // 3 is the folder itself.
            #expect(open.output == Array("0\n1\n2\n3\n".utf8))
            let signals = try await world.children.run(
                ChildCommand("grep", ["-E", "^Sig(Blk|Ign)", "/proc/self/status"]))
            let masks = String(decoding: signals.output, as: UTF8.self).split(whereSeparator: \.isWhitespace)
                .compactMap { UInt64($0, radix: 16) }
            // Bits 31 and 32 are glibc's own signals, which it always ignores in a child.
            #expect(masks.map { $0 & 0x7fff_ffff } == [0, 0])
        }
    }

    @Test func cancellingKillsTheWholeGroup() async throws {
        try await withLiveWorld { world in
            let loop = try #require(world.executor as? EventLoop)
            let children = try SystemChildren(loop: loop, environment: world.host.environment)
            // The grandchild holds our pipe open and ignores polite signals.
            let child = try await children.start(
                ChildCommand("sh", ["-c", "(trap '' TERM HUP; echo grandchild; exec sleep 1000) & wait"]))
            _ = try await child.waitForLine(containing: "grandchild")
            child.signal(SIGKILL)
            #expect(try await child.result().end == .signalled(SIGKILL))
            #expect(try await groupIsGone(child.process, world))

            let start = world.time.now
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await world.children.run(ChildCommand("sleep", ["1000"])) }
                try? await world.time.sleep(for: .milliseconds(20))
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
            #expect(world.time.now - start < .seconds(10))
        }
    }

    /// A background process must neither keep us waiting for the end of a pipe nor stay behind.
    @Test func whatAChildLeavesBehindIsKilled() async throws {
        try await withLiveWorld { world in
            let result = try await world.children.run(
                ChildCommand("sh", ["-c", "sleep 1000 & echo $$; exit 0"]))
            #expect(result.succeeded)
            let group = try #require(Int32(String(decoding: result.output.dropLast(), as: UTF8.self)))
            #expect(try await groupIsGone(group, world))
        }
    }

    @Test func manyAtOnce() async throws {
        try await withLiveWorld { world in
            let ends = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        let result = try await world.children.run(ChildCommand("sh", ["-c", "exit \(number)"]))
                        return if case .exited(let code) = result.end { Int(code) } else { -1 }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(ends.sorted() == Array(0..<64))
        }
    }

    @Test func linesAreAwaited() async throws {
        try await withLiveWorld { world in
            let loop = try #require(world.executor as? EventLoop)
            let children = try SystemChildren(loop: loop, environment: world.host.environment)
            let child = try await children.start(ChildCommand("sh", ["-c", "echo ready now; exec sleep 1000"]))
            #expect(try await child.waitForLine(containing: "ready") == "ready now")
            #expect(await child.isRunning)
            child.signal(SIGTERM)
            #expect(try await child.result().end == .signalled(SIGTERM))
            await #expect(throws: EndedEarly.self) { try await child.waitForLine(containing: "never") }
        }
    }

    /// The kernel kills a child whose starting thread ends, so that thread has to stay for as long as the child.
    @Test func aChildOutlivesTheHandleThatStartedIt() async throws {
        try await withLiveWorld { world in
            let loop = try #require(world.executor as? EventLoop)
            let child = try await SystemChildren(loop: loop, environment: world.host.environment).start(
                ChildCommand("sh", ["-c", "sleep 0.3; echo late"]))
            #expect(try await child.waitForLine(containing: "late") == "late")
            #expect(try await child.result().succeeded)
        }
    }

    /// Whether nobody of a process group runs any more. A killed orphan may stay a zombie for as long as its new parent
    /// likes, and dies a moment after the kill.
    private func groupIsGone(_ group: Int32, _ world: World) async throws -> Bool {
        let deadline = world.time.now + .seconds(10)
        while world.time.now < deadline {
            let list = try await world.children.run(ChildCommand("ps", ["-eo", "pgid=,stat="]))
            let isAlive = String(decoding: list.output, as: UTF8.self).split(separator: "\n").contains { line in
                let columns = line.split(separator: " ")
                return columns.first == "\(group)" && columns.last?.hasPrefix("Z") == false
            }
            if !isAlive { return true }
        }
        return false
    }
}
