import CLinux
import Glibc

extension EventLoop {
    /// Calls `handler` on the loop as long as the descriptor is ready for one of `interest`, an error or a hang-up.
    /// Replaces an earlier registration of that number.
    /// - Throws: `SystemError` when the kernel cannot watch it.
    package func watch(
        _ descriptor: Int32, for interest: Readiness, _ handler: @escaping @Sendable (Readiness) -> Void
    ) throws {
        checkIsolated()
        let wasRegistered = descriptors.isRegistered(descriptor)
        let tag = descriptors.register(descriptor, handler)
        try control(wasRegistered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, interest, tag)
    }

    /// Changes what a watched descriptor is watched for.
    /// - Throws: `SystemError` when it is not watched, or cannot be.
    package func change(_ descriptor: Int32, to interest: Readiness) throws {
        checkIsolated()
        guard let tag = descriptors.tag(of: descriptor) else {
            throw SystemError(doing: "watch descriptor \(descriptor)", code: ENOENT)
        }
        try control(EPOLL_CTL_MOD, descriptor, interest, tag)
    }

    /// Ends the watch; call it before the descriptor is closed. Events already read for it are not delivered any more.
    package func forget(_ descriptor: Int32) {
        checkIsolated()
        guard descriptors.isRegistered(descriptor) else { return }
        descriptors.remove(descriptor)
        // Fails only if the descriptor was closed already, which ended the watch.
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// Forgets and closes a descriptor, from any thread, after `shutdown` too.
    package func discard(_ descriptor: Int32) {
        if isCurrent {
            forget(descriptor)
            close(descriptor)
        } else if !submit({ self.discard(descriptor) }) {
            close(descriptor)
        }
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ interest: Readiness, _ tag: UInt64) throws {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = tag
        var result = epoll_ctl(epoll, operation, descriptor, &event)
        // libcurl closes a descriptor and opens one of the same number without a word in between.
        if result != 0, operation == EPOLL_CTL_MOD, errno == ENOENT {
            result = epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
        } else if result != 0, operation == EPOLL_CTL_ADD, errno == EEXIST {
            result = epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event)
        }
        guard result == 0 else {
            let error = SystemError(doing: "watch descriptor \(descriptor)")
            descriptors.remove(descriptor)
            throw error
        }
    }
}
