import CLinux
import Glibc
import World

enum SocketKind: Sendable {
    case stream, datagram

    var rawValue: Int32 {
        switch self {
        case .stream: Int32(SOCK_STREAM.rawValue)
        case .datagram: Int32(SOCK_DGRAM.rawValue)
        }
    }
}

/// A socket until somebody else owns its descriptor: non-blocking, close-on-exec, closed once whatever happens.
struct Socket: ~Copyable {
    let descriptor: Int32

    /// - Throws: `NetworkFailure`, `.descriptors` when there is none left.
    init(_ kind: SocketKind, family: Int32, doing: String) throws {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(family, kind.rawValue | flags, 0)
        guard descriptor >= 0 else { throw NetworkFailure(doing: doing, code: errno) }
    }

    deinit { close(descriptor) }

    /// Hands the descriptor over to the caller.
    consuming func release() -> Int32 {
        let released = descriptor
        discard self
        return released
    }

    func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        // Options are wishes: a socket without them works, only less well.
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// 0, or an errno.
    func connect(to address: SocketAddress) -> Int32 {
        let result = address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
        return result == 0 ? 0 : errno
    }

    /// The error that the kernel kept for this socket (SO_ERROR), and forgets by telling; 0 when there is none.
    func takeError() -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno
    }
}
