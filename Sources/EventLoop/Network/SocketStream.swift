import Glibc
import Synchronization
import World

/// A connected socket on the loop.
///
/// Reads ahead up to `readAhead` bytes and then leaves the rest to the kernel, so that a fast peer cannot fill the
/// memory. The first write of a turn goes out at once, further ones together at its end: one command alone has no
/// delay, a thousand pipelined ones share packets.
package actor SocketStream: ByteStream {
    private static let readAhead = 1 << 18

    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private nonisolated let loop: EventLoop
    /// `127.0.0.1:11300`.
    private nonisolated let name: String
    private nonisolated let backlog = Atomic<Int>(0)

    /// -1 once closed.
    private var descriptor: Int32
    private var interest: Readiness = []

    private var arrived: [UInt8] = []
    private var hasEnded = false
    private var reader: Promise<[UInt8]?>?

    private var outgoing: [UInt8] = []
    private var outgoingStart = 0
    private var wroteThisTurn = false
    private var isBlocked = false
    private var drainers: [Promise<Void>] = []

    private var failure: NetworkFailure?

    /// Takes over a connected, non-blocking socket. On the loop.
    /// - Throws: `NetworkFailure` when the kernel cannot watch it; it is closed then.
    package init(loop: EventLoop, taking descriptor: Int32, name: String) throws {
        self.loop = loop
        self.descriptor = descriptor
        self.name = name
        do {
            try assumeIsolated { try $0.updateInterest() }
        } catch let error as SystemError {
            throw NetworkFailure(doing: "watch the connection to \(name)", code: error.code)
        }
    }

    deinit {
        if descriptor >= 0 { loop.discard(descriptor) }
    }

    // MARK: Reading

    package func read() async throws -> [UInt8]? {
        try Task.checkCancellation()
        if !arrived.isEmpty { return takeArrived() }
        if let failure { throw failure }
        if hasEnded { return nil }
        guard reader == nil else { throw problem("read from", "another read is waiting") }
        let reader = Promise<[UInt8]?>()
        self.reader = reader
        defer { self.reader = nil }
        return try await reader.value()
    }

    private func takeArrived() -> [UInt8] {
        var bytes: [UInt8] = []
        swap(&bytes, &arrived)
        refreshInterest()
        return bytes
    }

    private func receive() {
        guard descriptor >= 0, !hasEnded else { return }
        // Bounded, so that one fast stream leaves the others their turn; what is left is reported again.
        for _ in 0..<4 {
            let count = recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, 0)
            if count > 0 {
                accept(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
                if count < loop.scratch.count { break }
            } else if count == 0 {
                hasEnded = true
                reader?.succeed(nil)
                break
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                fail(NetworkFailure(doing: "read from \(name)", code: errno))
                return
            }
        }
        refreshInterest()
    }

    private func accept(_ bytes: UnsafeRawBufferPointer) {
        // A reader that was cancelled a moment ago does not take them: they stay for the next read.
        if arrived.isEmpty, let reader, reader.succeed(Array(bytes)) { return }
        arrived.append(contentsOf: bytes)
    }

    // MARK: Writing

    package nonisolated var unsent: Int { backlog.load(ordering: .relaxed) }

    package nonisolated func write(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        backlog.add(bytes.count, ordering: .relaxed)
        loop.perform { self.assumeIsolated { $0.queue(bytes) } }
    }

    private func queue(_ bytes: [UInt8]) {
        guard failure == nil else {
            backlog.subtract(bytes.count, ordering: .relaxed)
            return
        }
        if outgoing.isEmpty {
            outgoing = bytes
        } else {
            outgoing.append(contentsOf: bytes)
        }
        if isBlocked { return }
        if wroteThisTurn { return }
        wroteThisTurn = true
        loop.atTurnEnd { [weak self] in self?.assumeIsolated { $0.endTurn() } }
        flush()
    }

    private func endTurn() {
        wroteThisTurn = false
        if !isBlocked { flush() }
    }

    private func flush() {
        guard descriptor >= 0 else { return }
        while outgoingStart < outgoing.count {
            let count = outgoing.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[outgoingStart...])
                return send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                outgoingStart += count
                backlog.subtract(count, ordering: .relaxed)
            } else if errno == EAGAIN {
                isBlocked = true
                dropSent()
                refreshInterest()
                return
            } else if errno != EINTR {
                let error = NetworkFailure(doing: "write to \(name)", code: errno)
                // What the peer said before it went may be its reason, and belongs to the reader.
                receive()
                fail(error)
                return
            }
        }
        outgoing.removeAll(keepingCapacity: outgoing.capacity <= 1 << 16)
        outgoingStart = 0
        isBlocked = false
        refreshInterest()
        let waiting = drainers
        drainers = []
        for drainer in waiting { drainer.succeed(()) }
    }

    /// Moves what is left to the front once that costs less than what was sent already.
    private func dropSent() {
        guard outgoingStart > outgoing.count / 2 else { return }
        outgoing.removeSubrange(..<outgoingStart)
        outgoingStart = 0
    }

    package func drained() async throws {
        try Task.checkCancellation()
        if let failure { throw failure }
        if outgoing.isEmpty { return }
        let drainer = Promise<Void>()
        drainers.removeAll(where: \.isSettled)
        drainers.append(drainer)
        try await drainer.value()
    }

    // MARK: Ending

    package nonisolated func close() {
        loop.perform {
            self.assumeIsolated { me in
                me.arrived = []
                me.fail(NetworkFailure(reason: .closed, doing: "use \(me.name)", detail: "closed on our side"))
            }
        }
    }

    private func fail(_ error: NetworkFailure) {
        if descriptor >= 0 {
            loop.discard(descriptor)
            descriptor = -1
            interest = []
        }
        guard failure == nil else { return }
        failure = error
        backlog.subtract(outgoing.count - outgoingStart, ordering: .relaxed)
        outgoing = []
        outgoingStart = 0
        reader?.fail(error)
        let waiting = drainers
        drainers = []
        for drainer in waiting { drainer.fail(error) }
    }

    private func problem(_ doing: String, _ detail: String) -> NetworkFailure {
        NetworkFailure(reason: .system, doing: "\(doing) \(name)", detail: detail)
    }

    // MARK: Events

    private func ready(_ readiness: Readiness) {
        if readiness.contains(.write), isBlocked { flush() }
        if !readiness.isDisjoint(with: [.read, .hangUp, .error]) { receive() }
    }

    private func refreshInterest() {
        do {
            try updateInterest()
        } catch let error as SystemError {
            fail(NetworkFailure(doing: "watch the connection to \(name)", code: error.code))
        } catch {
            fail(problem("watch", "\(error)"))
        }
    }

    /// Nothing to wait for means not registered at all: the kernel reports a hang-up without being asked, for ever.
    private func updateInterest() throws {
        guard descriptor >= 0 else { return }
        var wanted: Readiness = []
        if !hasEnded, arrived.count < Self.readAhead { wanted.insert(.read) }
        if isBlocked { wanted.insert(.write) }
        if wanted == interest { return }
        if wanted.isEmpty {
            loop.forget(descriptor)
        } else if interest.isEmpty {
            try loop.watch(descriptor, for: wanted) { [weak self] readiness in
                self?.assumeIsolated { $0.ready(readiness) }
            }
        } else {
            try loop.change(descriptor, to: wanted)
        }
        interest = wanted
    }
}
