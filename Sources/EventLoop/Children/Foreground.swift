import CLinux
import Glibc
package import World

/// Runs a program that has the terminal to itself, such as an editor: with this process's standard streams, environment
/// and process group. Blocks until it has ended, so it is called where no loop runs. What the keyboard sends (Ctrl-C) is
/// the program's meanwhile, and this process survives what would end it: whatever it prepared is its own to clear away.
/// - Throws: `ChildFailure` when it cannot be started.
package func runInForeground(_ program: String, _ arguments: [String]) throws -> ChildResult.End {
    let numbers = [SIGINT, SIGQUIT, SIGTERM, SIGHUP]
    let before = numbers.map { signal($0, SIG_IGN) }
    defer { for (number, handler) in zip(numbers, before) { signal(number, handler) } }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for number in numbers + [SIGPIPE] { sigaddset(&defaults, number) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

    let copies = ([program] + arguments).map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    var process: pid_t = 0
    let error = posix_spawnp(&process, program, nil, &attributes, copies + [nil], clinux_environment())
    guard error == 0 else { throw ChildFailure(program: program, detail: SystemError.text(error)) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 {
        guard errno == EINTR else { throw ChildFailure(program: program, detail: SystemError.text(errno)) }
    }
    return ChildResult.End(status: status)
}

extension ChildResult.End {
    /// From the wait status of wait(2), whose macros Swift cannot see.
    init(status: Int32) {
        let signal = status & 0x7f
        self = signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
    }
}
