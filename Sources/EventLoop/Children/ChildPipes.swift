import Glibc

/// What a child says on one of its outputs.
struct ChildOutput {
    /// -1 at the end.
    private(set) var descriptor: Int32
    private(set) var bytes: [UInt8] = []
    private let limit: Int

    var isOpen: Bool { descriptor >= 0 }

    init(_ descriptor: Int32, limit: Int) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// Reads what is there, at most as much as a pipe holds: a child that never stops must leave the others their turn.
    /// Beyond the limit it is dropped, not left in the pipe, where it would stop the child.
    /// - Returns: whether the other end is still open.
    mutating func receive(through scratch: UnsafeMutableRawBufferPointer) -> Bool {
        for _ in 0..<16 {
            let count = read(descriptor, scratch.baseAddress, scratch.count)
            if count > 0 {
                bytes.append(contentsOf: scratch.prefix(min(count, max(0, limit - bytes.count))))
            } else if count == 0 {
                return false
            } else if errno == EAGAIN {
                return true
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    mutating func finish() {
        if isOpen { close(descriptor) }
        descriptor = -1
    }
}

/// What a child is told on its input.
struct ChildInput {
    /// -1 at the end.
    private(set) var descriptor: Int32
    private var rest: ArraySlice<UInt8>

    var isOpen: Bool { descriptor >= 0 }

    init(_ descriptor: Int32, _ bytes: [UInt8]) {
        self.descriptor = descriptor
        rest = bytes[...]
    }

    /// - Returns: whether there is more to write. A child that does not want it all is no error.
    mutating func send() -> Bool {
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                return true
            } else if errno != EINTR {
                return false
            }
        }
        return false
    }

    mutating func finish() {
        if isOpen { close(descriptor) }
        descriptor = -1
        rest = []
    }
}
