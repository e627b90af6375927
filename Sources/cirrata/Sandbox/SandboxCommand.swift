import ArgumentParser
import HTTPKit
import HTTPServer
import Sandbox
import World

struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "Serves a simulated cloud and lab: Keystone, Nova, Glance, Neutron, Cinder, paddles, nsupdate-web.",
        discussion: """
            Prints one line per socket once it is bound, and runs until SIGTERM or SIGINT. The state is shown as a page \
            at /sandbox/ and as JSON at /sandbox/state; faults are ordered with POST /sandbox/faults.

            In worker.yaml, with ROOT for the address that is printed:
              lock_server: ROOT/paddles/        nsupdate_url: ROOT/nsupdate/update
              site: NAME                        ex_force_auth_url: ROOT/identity
              (the latter in libcloud.providers.NAME.driver_args)
            """)

    @Option(help: "Listen on this address.")
    var host = "127.0.0.1"

    @Option(help: "Listen on this port; 0 takes any free one.")
    var port = 8_080

    @OptionGroup(title: "What there is at the beginning")
    var beginning: SandboxBeginning

    @Option(help: "Answer DNS for the lab's domain on this UDP port; 0 takes any free one.")
    var dnsPort: Int?

    @Option(
        help: ArgumentHelp(
            "Accept connections on this port of every 127.x.y.z address, so that servers with such addresses (--addresses "
                + "127.77.0.0/16) seem to have an sshd. 0 takes any free one.", valueName: "port"))
    var sshBanner: Int?

    func run() async throws {
        try await withLoop { world, loop in
            let settings = try await beginning.settings(world)
            let sandbox: SharedSandbox
            do throws(SandboxMistake) {
                sandbox = SharedSandbox(try SandboxState(settings))
            } catch {
                throw Complaint("\(error)", .usage)
            }
            do {
                try await Interruption.once(on: loop) { try await serve(sandbox, world) }
            } catch is Interrupted {
                // How it is meant to end.
            }
        }
    }

    private func serve(_ sandbox: SharedSandbox, _ world: World) async throws {
        let clock = SandboxClock(time: world.time)
        let host = host.contains(":") ? "[\(host)]" : host
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await HTTPListener.run(host: self.host, port: port) { port in
                    let root = "http://\(host):\(port)"
                    sandbox.withState { $0.reached(at: root) }
                    Terminal.output.line("sandbox: \(root)")
                } handler: { request, peer in
                    sandbox.answer(request, from: peer, at: clock.now)
                }
            }
            if let dnsPort {
                group.addTask {
                    try await DatagramListener.run(host: self.host, port: dnsPort) { port in
                        Terminal.output.line("dns: \(host):\(port)")
                    } answer: { query in
                        sandbox.answerDNS(query)
                    }
                }
            }
            if let sshBanner {
                group.addTask {
                    try await BannerListener.run(port: sshBanner, banner: "SSH-2.0-Sandbox\r\n") { port in
                        Terminal.output.line("ssh: 127.0.0.0/8:\(port)")
                    }
                }
            }
            // None ends by itself unless it failed.
            for try await _ in group {}
        }
    }
}

/// Calendar time that never steps back, which the Sandbox relies on.
private struct SandboxClock: Sendable {
    private let time: any TimeSource
    private let start: Timestamp
    private let began: Moment

    init(time: any TimeSource) {
        self.time = time
        start = time.wallClock
        began = time.now
    }

    var now: Timestamp { start + (time.now - began) }
}
