package import HTTPKit

/// Everything impure, in one value (README, "Architecture"). The core is entered once, inside
/// `withTaskExecutorPreference(world.executor)`; all that it does reaches the outside through these.
package struct World: Sendable {
    /// Runs one job at a time; actors that need to be entered from its callbacks name it as their own executor.
    package typealias Executor = any (TaskExecutor & SerialExecutor)

    package var executor: Executor
    package var time: any TimeSource
    package var http: any HTTPTransport
    package var dial: any Dialer
    package var datagrams: any Datagrams
    package var children: any ChildProcesses
    package var random: any RandomSource
    package var files: any FileSystem
    package var compute: any Compute
    package var host: HostIdentity

    package init(
        executor: Executor, time: any TimeSource, http: any HTTPTransport, dial: any Dialer,
        datagrams: any Datagrams, children: any ChildProcesses, random: any RandomSource, files: any FileSystem,
        compute: any Compute, host: HostIdentity
    ) {
        self.executor = executor
        self.time = time
        self.http = http
        self.dial = dial
        self.datagrams = datagrams
        self.children = children
        self.random = random
        self.files = files
        self.compute = compute
        self.host = host
    }
}

/// Runs heavy, pure work away from the loop; in the Simulation, in place.
package protocol Compute: Sendable {
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value
}

/// Who we are, for reports and presence. The environment holds secrets: description, dump and interpolation hide it.
package struct HostIdentity: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    package var name: String
    package var process: Int32
    /// The environment at start: secrets by `${env:NAME}`, OS_* variables, HOME.
    package var environment: [String: String]

    package init(name: String, process: Int32, environment: [String: String]) {
        self.name = name
        self.process = process
        self.environment = environment
    }

    package var description: String { "\(name)/\(process)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["name": name, "process": process]) }
}
