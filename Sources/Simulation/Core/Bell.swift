import Glibc

/// Wakes one thread from another. A pipe, because a Swift lock has no condition to wait for.
final class Bell: Sendable {
    private let listens: Int32
    private let rings: Int32

    /// - Returns: nil when the process is out of descriptors.
    init?() {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        (listens, rings) = (ends[0], ends[1])
    }

    deinit {
        close(listens)
        close(rings)
    }

    func ring() { _ = write(rings, [1], 1) }

    /// Blocks until it rings, or for so long.
    func wait(milliseconds: Int32) {
        var events = pollfd(fd: listens, events: Int16(POLLIN), revents: 0)
        // A signal ends the wait early, which its one caller can bear.
        _ = poll(&events, 1, milliseconds)
    }
}
