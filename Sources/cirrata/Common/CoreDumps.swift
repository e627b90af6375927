import Glibc

/// A core would hold tokens and passwords.
enum CoreDumps {
    /// For this process and its children. Programs that take cores from the kernel honour the limit as well.
    static func forbid() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        // Anybody may lower a limit.
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    }
}
