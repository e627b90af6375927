package import HTTPKit
package import World

extension World {
    /// The real world: this machine's clock, network, programs and files, all on `loop`.
    ///
    /// Makes the process ignore SIGPIPE, which a peer that closes early would otherwise kill it with.
    /// - Throws: `SystemError` when the process is out of descriptors or threads.
    package static func live(loop: EventLoop, http: any HTTPTransport) throws -> World {
        ignoreBrokenPipes()
        let resolver = try Resolver(time: loop)
        let random = KernelRandom()
        let host = HostIdentity.current()
        return World(
            executor: loop, time: loop, http: http, dial: SocketDialer(loop: loop, resolver: resolver),
            datagrams: UDPExchange(loop: loop, resolver: resolver),
            children: try SystemChildren(loop: loop, environment: host.environment),
            random: random, files: try PosixFiles(random: random), compute: try ThreadedCompute(),
            host: host)
    }
}
