import Glibc
package import World

/// Starts programs of this machine, and waits for them on the loop.
package struct SystemChildren: ChildProcesses {
    private let loop: EventLoop
    private let threads: WorkerThreads
    private let environment: [String: String]

    /// - Throws: `SystemError` when the process is out of descriptors or threads.
    package init(loop: EventLoop, environment: [String: String]) throws {
        self.loop = loop
        threads = try WorkerThreads("children", limit: 2)
        var minimal = environment.filter { $0.key == "HOME" }
        minimal["PATH"] = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        // Messages of ssh and others are read by us, in English.
        minimal["LANG"] = "C"
        self.environment = minimal
    }

    package func run(_ command: ChildCommand) async throws -> ChildResult {
        let child = try await start(command)
        return try await withTaskCancellationHandler {
            let result = try await child.result()
            try Task.checkCancellation()
            return result
        } onCancel: {
            child.signal(SIGKILL)
        }
    }

    /// Starts a program that is to live longer than one call.
    /// - Throws: `ChildFailure`; `CancellationError`, and then nothing was started.
    package func start(_ command: ChildCommand) async throws -> RunningChild {
        try Task.checkCancellation()
        let environment = environment.merging(command.environment) { $1 }
        let launched = try await threads.run { try Launcher.launch(command, environment: environment) }
        return try await RunningChild(loop: loop, starters: threads, launched, command)
    }
}
