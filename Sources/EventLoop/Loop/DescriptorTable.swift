/// Who wants to hear about which descriptor.
///
/// The kernel hands out the lowest free number, so a number may change hands between the moment when a batch of events
/// was read and the moment when one of them is delivered. Every registration therefore has a stamp, which travels
/// through epoll with the number; an event with an old stamp is dropped.
struct DescriptorTable {
    typealias Handler = @Sendable (Readiness) -> Void

    private struct Registration {
        var stamp: UInt32
        var handler: Handler
    }

    private var slots: [Registration?] = []
    private var lastStamp: UInt32 = 0

    func isRegistered(_ descriptor: Int32) -> Bool { registration(of: descriptor) != nil }

    /// - Returns: what epoll is to carry.
    mutating func register(_ descriptor: Int32, _ handler: @escaping Handler) -> UInt64 {
        let index = Int(descriptor)
        if index >= slots.count {
            slots.append(contentsOf: repeatElement(nil, count: index + 1 - slots.count))
        }
        lastStamp &+= 1
        slots[index] = Registration(stamp: lastStamp, handler: handler)
        return Self.tag(descriptor, lastStamp)
    }

    mutating func remove(_ descriptor: Int32) {
        guard isRegistered(descriptor) else { return }
        slots[Int(descriptor)] = nil
    }

    func tag(of descriptor: Int32) -> UInt64? {
        registration(of: descriptor).map { Self.tag(descriptor, $0.stamp) }
    }

    /// The handler for an event, unless the descriptor was forgotten or given to someone else since.
    func handler(for tag: UInt64) -> Handler? {
        let descriptor = Int32(truncatingIfNeeded: tag)
        guard let found = registration(of: descriptor), found.stamp == UInt32(truncatingIfNeeded: tag >> 32) else {
            return nil
        }
        return found.handler
    }

    private func registration(of descriptor: Int32) -> Registration? {
        let index = Int(descriptor)
        return slots.indices.contains(index) ? slots[index] : nil
    }

    private static func tag(_ descriptor: Int32, _ stamp: UInt32) -> UInt64 {
        UInt64(stamp) << 32 | UInt64(UInt32(bitPattern: descriptor))
    }
}
