import EventLoop
import HTTPKit
import TestSupport
import Testing
import World

/// Configuration as the command line meets it, and the command line's own manners.
@Suite struct ConfigurationCommandTests {
    private func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Finished {
        try await withLiveWorld { world in
            guard let loop = world.executor as? EventLoop else { throw LabFailure(description: "not a live World") }
            let programs = try Programs(on: loop, home: "/nowhere")
            return Finished(try await programs.run(arguments, environment: environment))
        }
    }

    private func withFile(_ text: String, _ body: (String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/worker.yaml"
            try await withLiveWorld { world in try await world.files.write(path, Array(text.utf8), mode: 0o600) }
            try await body(path)
        }
    }

    @Test func errorsHaveTheirPlaceAndAnExitCodeOfTheirOwn() async throws {
        let text = """
            slots: many
            lab_domian: x.test
            libcloud:
              providers:
                ovh: {driver_args: {username: u, password: p, ex_force_auth_url: "https://k", ex_tenant_name: t}}
            """
        try await withFile(text) { path in
            for command in [["config", "check"], ["worker"], ["enqueue", "destroy", "ovh001"]] {
                let end = try await run(command + ["--config", path])
                #expect(end.end == .exited(3))
                let text = end.output + end.errors
                #expect(text.contains("\(path):1:8: slots: expected a whole number"), "\(text)")
                #expect(text.contains("\(path):2:1: lab_domian:"), "\(text)")
                #expect(text.contains("lab_domain"), "\(text)")
            }
            let json = try await run(["config", "check", "--json", "--config", path])
            #expect(try json.json.filter { $0["severity"] == "error" }.map { $0["line"] } == [1, 2])
        }
    }

    @Test func whatIsInEffectIsShownWithoutSecrets() async throws {
        let text = """
            slots: 7
            libcloud:
              providers:
                ovh:
                  allow_networks: [public$]
                  driver_args: {username: me, password: hush-hush, ex_force_auth_url: "http://cloud.test:5000/v3", ex_tenant_name: lab}
            """
        try await withFile(text) { path in
            let check = try await run(["config", "check", "-c", path])
            #expect(check.end == .exited(0), "\(check.output)")
            let show = try await run(["config", "show", "-c", path])
            #expect(show.end == .exited(0))
            #expect(show.output.contains("slots: 7\n"))
            #expect(!(show.output + show.errors).contains("hush-hush"))
        }
    }

    @Test func theQueueNeedsNoSecrets() async throws {
        let text = """
            queue_port: 1
            libcloud: {providers: {ovh: {driver_args: {password: "${file:/nowhere/secret}", username: me}}}}
            """
        try await withFile(text) { path in
            let worker = try await run(["worker", "-c", path])
            #expect(worker.end == .exited(3))
            #expect(worker.errors.contains("/nowhere/secret"))
            for command in [["enqueue", "destroy", "ovh001.front.sepia.ceph.com"], ["failed", "list"]] {
                let end = try await run(command + ["-c", path])
                #expect(end.end == .exited(4), "\(end.output)\(end.errors)")
                #expect(end.errors.contains("Connection refused"), "\(end.errors)")
            }
        }
    }

    @Test func theExampleLoads() async throws {
        let example = try await run(["config", "example"])
        try await withFile(example.output) { path in
            let check = try await run(["config", "check"], environment: ["CIRRATA_CONFIG": path, "OVH_PASSWORD": "x"])
            #expect(check.end == .exited(0), "\(check.output)")
        }
        #expect(try await run(["config", "reference"]).output.hasPrefix("| key | form | default | meaning |"))
    }

    @Test func helpAndVersionAndUsage() async throws {
        #expect(try await run(["--version"]).output == "0.1.0\n")
        let help = try await run(["--help"])
        #expect(help.end == .exited(0))
        #expect(help.output.contains("Exit codes:"))
        let wrong = try await run(["worker", "--slots", "0"])
        #expect(wrong.end == .exited(64))
        #expect(wrong.errors.hasPrefix("cirrata: --slots takes 1 to 10000\n"))
        let none = try await run(["worker", "--config", "/nowhere/worker.yaml"])
        #expect(none.end == .exited(3))
        #expect(none.errors == "cirrata: /nowhere/worker.yaml: No such file or directory\n")
        for shell in ["bash", "zsh", "fish"] {
            let script = try await run(["--generate-completion-script", shell])
            #expect(script.end == .exited(0))
            #expect(script.output.contains("enqueue"))
        }
    }
}
