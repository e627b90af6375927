import EventLoop
import Glibc
import TestSupport
import Testing
import World

@Suite(.timeLimit(.minutes(1))) struct FileTests {
    @Test func writtenAndReadBack() async throws {
        try await withTemporaryFolder { folder in
            try await withLiveWorld { world in
                let path = "\(folder)/a/b/c/file"
                try await world.files.createFolder("\(folder)/a/b/c")
                try await world.files.createFolder("\(folder)/a/b/c/")
                let bytes = manyBytes(300_000)
                for content in [bytes, [], [1]] {
                    try await world.files.write(path, content, mode: 0o640)
                    #expect(try await world.files.read(path, limit: 1 << 20) == content)
                    #expect(try await world.files.permissions(path) == 0o640)
                    let written = try #require(try await world.files.modified(path))
                    #expect(abs((world.time.wallClock - written).seconds) < 60)
                }
                #expect(try await world.files.permissions("\(folder)/a/b") == 0o700)
                try await world.files.remove(path)
                try await world.files.remove(path)
                #expect(try await world.files.permissions(path) == nil)
                #expect(try await world.files.modified(path) == nil)
                // Nothing is left of the temporary names.
                let left = try await world.children.run(ChildCommand("find", [folder, "-type", "f"]))
                #expect(left.output == [])
            }
        }
    }

    @Test func knowsWhetherOthersCanChangeAFile() async throws {
        try await withTemporaryFolder { folder in
            try await withLiveWorld { world in
                let path = "\(folder)/file"
                #expect(try await world.files.isOnlyOurs(path) == nil)
                for mode: UInt16 in [0o600, 0o644, 0o620, 0o602, 0o666] {
                    try await world.files.write(path, [], mode: mode)
                    #expect(try await world.files.isOnlyOurs(path) == (mode & 0o022 == 0))
                }
                #expect(try await world.files.isOnlyOurs(folder) == true)
                chmod(folder, 0o1777)
                #expect(try await world.files.isOnlyOurs(folder) == false)
                chmod(folder, 0o700)
                // Of another user: only root can make such a file.
                try await world.files.write(path, [], mode: 0o600)
                if chown(path, 1, 1) == 0 { #expect(try await world.files.isOnlyOurs(path) == (geteuid() == 1)) }
            }
        }
    }

    @Test func failuresNameTheFile() async throws {
        try await withTemporaryFolder { folder in
            try await withLiveWorld { world in
                let missing = await #expect(throws: FileFailure.self) {
                    try await world.files.read("\(folder)/none", limit: 10)
                }
                #expect(missing?.reason == .missing)
                #expect(missing?.description == "\(folder)/none: No such file or directory")
                try await world.files.write("\(folder)/ten", [UInt8](repeating: 1, count: 10), mode: 0o600)
                #expect(try await world.files.read("\(folder)/ten", limit: 10).count == 10)
                let large = await #expect(throws: FileFailure.self) {
                    try await world.files.read("\(folder)/ten", limit: 9)
                }
                #expect(large?.reason == .tooLarge)
                let notAFolder = await #expect(throws: FileFailure.self) {
                    try await world.files.createFolder("\(folder)/ten/more")
                }
                #expect(notAFolder?.reason == .missing)
                await #expect(throws: FileFailure.self) { try await world.files.read(folder, limit: 10) }
                await #expect(throws: FileFailure.self) {
                    try await world.files.write("\(folder)/no/such/place", [1], mode: 0o600)
                }
                // A file that says that it has no size.
                #expect(try await world.files.read("/proc/self/status", limit: 1 << 20).count > 100)
            }
        }
    }

    /// As on a file server that is gone: the thread waits on, but nobody waits for it.
    @Test func aReadThatNeverEndsHoldsUpNobody() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/pipe"
            #expect(mkfifo(path, 0o600) == 0)
            try await withLiveWorld { world in
                let began = world.time.now
                await #expect(throws: TimeoutError.self) {
                    try await world.time.withTimeout(.milliseconds(50), doing: "read") {
                        try await world.files.read(path, limit: 10)
                    }
                }
                #expect(world.time.now - began < .seconds(5))
            }
            // Somebody at the other end: the thread's open returns.
            let other = open(path, O_RDWR | O_CLOEXEC)
            #expect(other >= 0)
            close(other)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct HostTests {
    @Test func computingHappensElsewhere() async throws {
        try await withLiveWorld { world in
            let loop = try #require(world.executor as? EventLoop)
            #expect(try await world.compute.run { !loop.isCurrent })
            await #expect(throws: SystemError.self) {
                try await world.compute.run { throw SystemError(doing: "compute", code: EDOM) }
            }
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<200 { group.addTask { try await world.compute.run { number } } }
                return try await group.reduce(0, +)
            }
            #expect(sum == 19_900)
        }
    }

    @Test func waitingForAComputationIsCancelled() async throws {
        try await withLiveWorld { world in
            let release = Locked(false)
            await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await world.compute.run { while !release.withLock({ $0 }) { usleep(100) } } }
                }
                await Task.yield()
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
            release.withLock { $0 = true }
        }
    }

    @Test func identityAndRandomness() async throws {
        try await withLiveWorld { world in
            #expect(world.host.process == getpid())
            #expect(!world.host.name.isEmpty)
            #expect(world.host.environment["PATH"] != nil)
            #expect(Set((0..<100).map { _ in world.random.next() }).count == 100)
        }
    }
}

@Suite(.serialized, .timeLimit(.minutes(1))) struct SignalTests {
    @Test func signalsArriveInOrder() async throws {
        try await withEventLoop { loop in
            let watch = try await loop.signals([SIGUSR1, SIGUSR2])
            kill(getpid(), SIGUSR1)
            #expect(try await watch.next() == SIGUSR1)
            async let next = watch.next()
            await Task.yield()
            kill(getpid(), SIGUSR2)
            #expect(try await next == SIGUSR2)
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await watch.next() }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
            kill(getpid(), SIGUSR1)
            #expect(try await watch.next() == SIGUSR1)
            await watch.stop()
            await watch.stop()
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct BeanstalkdFixtureTests {
    @Test func aRealBrokerStartsStopsAndRestarts() async throws {
        try await withTemporaryFolder { folder in
            try await withLiveWorld { world in
                try await withBeanstalkd(.init(binlog: folder, maximumJobSize: 100), in: world) { broker in
                    let body = String(repeating: "x", count: 101)
                    #expect(try await ask(world, broker, "put 0 0 60 101\r\n\(body)\r\n") == "JOB_TOO_BIG\r\n")
                    #expect(try await ask(world, broker, "put 0 0 60 2\r\nhi\r\n") == "INSERTED 1\r\n")
                    try await broker.stop(SIGKILL)
                    await #expect(throws: NetworkFailure.self) {
                        try await world.dial.connect(to: broker.endpoint, timeout: .seconds(5))
                    }
                    try await broker.start()
                    #expect(try await ask(world, broker, "peek 1\r\n") == "FOUND 1 2\r\nhi\r\n")
                }
            }
        }
    }

    @Test func overAUnixSocket() async throws {
        try await withTemporaryFolder { folder in
            try await withLiveWorld { world in
                let process = try await withBeanstalkd(.init(socket: "\(folder)/socket"), in: world) { broker in
                    let answer = try await ask(world, broker, "use t\r\n")
                    #expect(answer == "USING t\r\n")
                    return await broker.process
                }
                #expect(kill(try #require(process), 0) == -1)
            }
        }
    }

    private func ask(_ world: World, _ broker: Beanstalkd, _ command: String) async throws -> String {
        let stream = try await world.dial.connect(to: broker.endpoint, timeout: .seconds(10))
        defer { stream.close() }
        stream.write(Array(command.utf8))
        return String(decoding: try await stream.read() ?? [], as: UTF8.self)
    }
}
