import EventLoop
import Glibc
package import World

/// A real beanstalkd, alive as long as `withBeanstalkd` runs.
package actor Beanstalkd {
    package struct Options: Sendable {
        /// The loopback address to listen at: `127.0.0.1` or `::1`.
        package var host: String
        /// Listen at this path instead.
        package var socket: String?
        /// Keep jobs in this folder (`-b`), each written before it is answered (`-f 0`).
        package var binlog: String?
        /// `-z`: bytes of the largest body.
        package var maximumJobSize: Int?
        /// How many descriptors it may have open (`ulimit -n`): some for itself, one for each client.
        package var openFiles: Int?

        package init(
            host: String = "127.0.0.1", socket: String? = nil, binlog: String? = nil, maximumJobSize: Int? = nil,
            openFiles: Int? = nil
        ) {
            self.host = host
            self.socket = socket
            self.binlog = binlog
            self.maximumJobSize = maximumJobSize
            self.openFiles = openFiles
        }
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Where it listens; the same after a restart.
    package nonisolated let endpoint: Endpoint

    private nonisolated let loop: EventLoop
    private let children: SystemChildren
    let dialer: any Dialer
    private var options: Options
    private var child: RunningChild?
    /// Files of a new one may not grow: there is no room for its binlog.
    var isDiskFull = false

    fileprivate init(_ options: Options, on loop: EventLoop, dialer: any Dialer) async throws {
        self.loop = loop
        self.dialer = dialer
        self.options = options
        children = try SystemChildren(loop: loop, environment: HostIdentity.current().environment)
        endpoint =
            if let path = options.socket { .unix(path: path) } else {
                .tcp(host: options.host, port: try freePort())
            }
    }

    package nonisolated var port: UInt16 {
        if case .tcp(_, let port) = endpoint { port } else { 0 }
    }

    package var process: Int32? { child?.process }

    /// Starts it, or starts it again, and returns once it takes connections.
    package func start() async throws {
        let child = try await children.start(ChildCommand("sh", ["-c", preparation, "sh"] + arguments))
        self.child = child
        // It does not say when it is ready, and it listens before it has read its binlog: only an answer says so.
        while await !answers() {
            guard await child.isRunning else {
                self.child = nil
                throw EndedEarly(description: "beanstalkd: \(await child.transcript)")
            }
            try await loop.sleep(for: .milliseconds(2))
        }
    }

    private func answers() async -> Bool {
        guard let stream = try? await dialer.connect(to: endpoint, timeout: .seconds(5)) else { return false }
        defer { stream.close() }
        // To the end, so that it has no client left when it is ready.
        stream.write(Array("list-tube-used\r\nquit\r\n".utf8))
        var answer: [UInt8] = []
        while let bytes = try? await stream.read() { answer += bytes }
        return !answer.isEmpty
    }

    /// Starts it again with a binlog or without one: what the old one kept is not looked at.
    package func start(binlog: String?) async throws {
        options.binlog = binlog
        try await start()
    }

    /// Changes a limit of the running process (prlimit(1)); only the soft one, so that it can be undone by anybody.
    func limit(_ name: String, to value: String) async throws {
        guard let process else { throw EndedEarly(description: "no beanstalkd whose limits could be changed") }
        let result = try await children.run(ChildCommand("prlimit", ["--pid", "\(process)", "--\(name)=\(value):"]))
        guard result.end == .exited(0) else {
            throw EndedEarly(description: "prlimit: \(String(decoding: result.errors, as: UTF8.self))")
        }
    }

    /// How many descriptors the running one may have open from now on; those that are open stay.
    package func setOpenFiles(_ count: Int) async throws {
        try await limit("nofile", to: String(count))
    }

    /// Ends it with SIGTERM, or as a crash would with SIGKILL, and returns once it is gone.
    package func stop(_ signal: Int32 = SIGKILL) async throws {
        guard let child else { return }
        self.child = nil
        child.signal(signal)
        _ = try await child.result()
    }

    /// Sends it a signal and goes on: SIGUSR1 is drain mode, SIGSTOP a broker that does not answer.
    package func signal(_ number: Int32) {
        child?.signal(number)
    }

    /// A file that may not grow is answered to, like a full disk, and not with a signal that kills.
    private var preparation: String {
        let openFiles = options.openFiles.map { "ulimit -S -n \($0); " } ?? ""
        let disk = isDiskFull ? "ulimit -S -f 1; " : ""
        return "trap '' XFSZ; \(openFiles)\(disk)exec beanstalkd \"$@\""
    }

    private var arguments: [String] {
        var list: [String]
        switch endpoint {
        case .unix(let path): list = ["-l", "unix:\(path)"]
        case .tcp(let host, let port): list = ["-l", host, "-p", String(port)]
        }
        if let folder = options.binlog { list += ["-b", folder, "-f", "0"] }
        if let size = options.maximumJobSize { list += ["-z", String(size)] }
        return list
    }
}

/// Runs `body` with a beanstalkd that has been started, and kills that afterwards, whatever happens.
package func withBeanstalkd<Result: Sendable>(
    _ options: Beanstalkd.Options = .init(), in world: World,
    _ body: @Sendable (Beanstalkd) async throws -> Result
) async throws -> Result {
    guard let loop = world.executor as? EventLoop else {
        throw EndedEarly(description: "a real beanstalkd needs a live World")
    }
    let server = try await Beanstalkd(options, on: loop, dialer: world.dial)
    do {
        try await server.start()
        let result = try await body(server)
        try await server.stop()
        return result
    } catch {
        try await server.stop()
        throw error
    }
}
