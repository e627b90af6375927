import CLinux
import Glibc
import World

/// What is left of starting a program: its number, and our ends of its pipes.
struct Launched: Sendable {
    var process: pid_t
    /// Readable once it has ended.
    var descriptor: Int32
    var input: Int32
    var output: Int32
    var errors: Int32
}

/// Starts programs. Blocks until the child has called `exec`, which may mean reading a disk: not for the loop.
enum Launcher {
    static func launch(_ command: ChildCommand, environment: [String: String]) throws -> Launched {
        let program = command.program
        let input = try Pipe(.writing, program: program)
        let output = try Pipe(.reading, program: program)
        let errors = try Pipe(.reading, program: program)
        let (inputEnd, outputEnd, errorsEnd) = (input.theirs, output.theirs, errors.theirs)
        var process: pid_t = 0
        let error = try withCStrings([program] + command.arguments, program) { arguments in
            try withCStrings(environment.map { "\($0)=\($1)" }.sorted(), program) { environment in
                clinux_spawn(&process, program, arguments, environment, inputEnd, outputEnd, errorsEnd)
            }
        }
        guard error == 0 else {
            let missing = error == ENOENT && !program.contains("/")
            throw ChildFailure(program: program, detail: missing ? "not found in PATH" : SystemError.text(error))
        }
        let descriptor = clinux_process_descriptor(process)
        guard descriptor >= 0 else {
            let failure = ChildFailure(program: program, detail: SystemError.text(errno))
            kill(-process, SIGKILL)
            waitpid(process, nil, 0)
            throw failure
        }
        return Launched(
            process: process, descriptor: descriptor, input: input.releaseOurs(), output: output.releaseOurs(),
            errors: errors.releaseOurs())
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ program: String, _ body: ([UnsafeMutablePointer<CChar>?]) throws -> Result
    ) throws -> Result {
        guard !strings.contains(where: { $0.utf8.contains(0) }) else {
            throw ChildFailure(program: program, detail: "an argument contains a zero byte")
        }
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return try body(copies + [nil])
    }
}
