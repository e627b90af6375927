/// What a descriptor is watched for, and what it is found ready for. The numbers are epoll's.
package struct Readiness: OptionSet, Sendable, Hashable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static let read = Readiness(rawValue: 0x001)
    package static let write = Readiness(rawValue: 0x004)
    /// Reported always, asked for or not.
    package static let error = Readiness(rawValue: 0x008)
    /// Reported always, asked for or not.
    package static let hangUp = Readiness(rawValue: 0x010)
}
