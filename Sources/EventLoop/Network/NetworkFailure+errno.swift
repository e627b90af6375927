import Glibc
package import World

extension NetworkFailure {
    /// What a failed call on a socket means.
    package init(doing: String, code: Int32) {
        self.init(reason: Reason(code), doing: doing, detail: SystemError.text(code))
    }
}

extension NetworkFailure.Reason {
    init(_ code: Int32) {
        self =
            switch code {
            // Nobody listens: for a Unix socket that may also be said by the lack of its file.
            case ECONNREFUSED, ENOENT: .refused
            case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, EADDRNOTAVAIL: .unreachable
            case ETIMEDOUT: .timeout
            case ECONNRESET, EPIPE, ECONNABORTED: .reset
            case EMFILE, ENFILE: .descriptors
            default: .system
            }
    }
}
