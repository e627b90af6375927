import Glibc
import TestSupport
import Testing
import World

@testable import EventLoop

@Suite(.timeLimit(.minutes(1))) struct DescriptorTests {
    @Test func anEventForAnEarlierOwnerOfTheNumberIsDropped() {
        var table = DescriptorTable()
        let first = table.register(7) { _ in }
        #expect(table.handler(for: first) != nil)
        table.remove(7)
        #expect(table.handler(for: first) == nil)
        let second = table.register(7) { _ in }
        #expect(first != second)
        #expect(table.handler(for: first) == nil)
        #expect(table.handler(for: second) != nil)
        #expect(table.tag(of: 7) == second)
        #expect(table.tag(of: 6) == nil)
        #expect(table.handler(for: UInt64(UInt32(bitPattern: -1))) == nil)
    }

    /// Two descriptors are ready in one batch; the handler of the first puts another file behind the number of the
    /// second. The event that is still in the batch must not reach the new owner.
    @Test func aNumberReusedWithinABatch() async throws {
        try await withEventLoop { loop in
            let log = Locked<[String]>([])
            let done = Promise<Void>()
            let pairs = [socketPair(), socketPair()]
            let quiet = socketPair()
            @Sendable func replace(_ victim: Int32) {
                loop.forget(victim)
                // In one call: a number that was closed first could go to whatever other test opens something.
                guard dup2(quiet.0, victim) == victim else {
                    done.fail(SystemError(doing: "dup2"))
                    return
                }
                do {
                    try loop.watch(victim, for: .read) { _ in log.withLock { $0.append("stale event") } }
                } catch {
                    done.fail(error)
                    return
                }
                // By the next turn the rest of the batch has been delivered.
                loop.submit {
                    loop.submit {
                        loop.forget(victim)
                        done.succeed(())
                    }
                }
            }
            loop.perform {
                let fired = Locked(false)
                for (index, pair) in pairs.enumerated() {
                    do {
                        try loop.watch(pair.0, for: .read) { _ in
                            let isFirst = fired.withLock { fired in
                                defer { fired = true }
                                return !fired
                            }
                            guard isFirst else {
                                log.withLock { $0.append("both handlers ran") }
                                return
                            }
                            loop.forget(pair.0)
                            replace(pairs[1 - index].0)
                        }
                    } catch {
                        done.fail(error)
                    }
                }
                // Both become ready before the loop looks.
                for pair in pairs { _ = write(pair.1, "x", 1) }
            }
            try await done.value()
            #expect(log.withLock { $0 } == [])
            for pair in pairs + [quiet] {
                close(pair.1)
                close(pair.0)
            }
        }
    }

    @Test func changesOfInterestTakeEffect() async throws {
        try await withEventLoop { loop in
            let pair = socketPair()
            defer { close(pair.1) }
            let seen = Locked<[Readiness]>([])
            let writable = Promise<Void>()
            loop.perform {
                do {
                    try loop.watch(pair.0, for: .read) { readiness in
                        seen.withLock { $0.append(readiness) }
                        writable.succeed(())
                        loop.discard(pair.0)
                    }
                    try loop.change(pair.0, to: .write)
                } catch {
                    writable.fail(error)
                }
            }
            try await writable.value()
            #expect(seen.withLock { $0 } == [.write])
        }
    }

    @Test func whatCannotBeWatchedIsAnError() async throws {
        try await withEventLoop { loop in
            let file = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
            let regular = open("/etc/passwd", O_RDONLY | O_CLOEXEC)
            defer {
                close(file)
                close(regular)
            }
            let failed = Promise<SystemError>()
            loop.perform {
                do {
                    try loop.watch(regular, for: .read) { _ in }
                } catch let error as SystemError {
                    failed.succeed(error)
                } catch {
                    failed.fail(error)
                }
            }
            let error = try await failed.value()
            #expect(error.code == EPERM)
            #expect(throws: SystemError.self) { try loop.change(9_999, to: .read) }
        }
    }

    private func socketPair() -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        return (ends[0], ends[1])
    }
}
