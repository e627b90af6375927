import CLinux
import Glibc
import World

/// Both ends of a pipe until somebody else owns them. Our end does not block, the child's does, as programs expect.
struct Pipe: ~Copyable {
    enum OurEnd { case reading, writing }

    let ours: Int32
    let theirs: Int32

    init(_ end: OurEnd, program: String) throws {
        var ends: [Int32] = [-1, -1]
        let error = clinux_pipe(&ends, O_CLOEXEC)
        guard error == 0 else { throw ChildFailure(program: program, detail: SystemError.text(error)) }
        (ours, theirs) = end == .reading ? (ends[0], ends[1]) : (ends[1], ends[0])
        _ = fcntl(ours, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(ours)
        close(theirs)
    }

    /// Closes the child's end and hands ours over to the caller.
    consuming func releaseOurs() -> Int32 {
        let (kept, done) = (ours, theirs)
        discard self
        close(done)
        return kept
    }
}
