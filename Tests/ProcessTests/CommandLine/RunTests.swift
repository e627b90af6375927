import HTTPKit
import TestSupport
import Testing
import World

/// One job in the foreground.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RunTests {
    private static let provision =
        "{action: provision, node: ovh001, owner: me@lab, lock: true, uuid: run-1, volumes: {count: 1, size: 10}}"
    private static let destroy = "{action: destroy, node: ovh001, owner: me@lab, unlock: true, uuid: run-2}"

    @Test func aDryRunChangesNothing() async throws {
        try await Lab.with { lab in
            let job = try await lab.file("job.yaml", Self.provision)
            let end = try await lab.run("run", "--dry-run", job)
            #expect(end.end == .exited(0), "\(end.errors)")
            for line in [
                "image    Ubuntu 22.04", "flavor ", "- lock ovh001", "- create server ovh001", "volume ovh001_0",
            ] {
                #expect(end.output.contains(line), "\(end.output)")
            }
            #expect(!end.output.contains("user data"))
            let json = try await lab.run("run", "--dry-run", "--json", "--verbose", job)
            #expect(try json.json.first?["user_data"]?.string?.hasPrefix("#cloud-config") == true)
            #expect(try json.json.first?["outcome"] == "done")

            let state = try await lab.state()
            #expect(state["servers_created"] == 0)
            #expect(state["volumes_created"] == 0)
            #expect(try await lab.node("ovh001")?["locked"] == false)
        }
    }

    @Test func aJobRunsAndItsDestroyToo() async throws {
        try await Lab.with { lab in
            let job = try await lab.file("job.yaml", Self.provision)
            let made = try await lab.run("run", job)
            #expect(made.end == .exited(0), "\(made.output)\(made.errors)")
            #expect(made.output.contains("+       server ovh001 "))
            #expect(made.output.contains("ok      commit"))
            #expect(!made.output.contains("\u{1B}"))
            #expect(try await lab.volumes == ["ovh001_0"])

            let again = try await lab.run("run", "--json", job)
            #expect(again.end == .exited(0))
            #expect(try again.json.map { $0["outcome"] } == ["done"])
            #expect(try await lab.state()["servers_created"] == 1)

            let destroy = try await lab.file("destroy.yaml", Self.destroy)
            let preview = try await lab.run("run", "--dry-run", destroy)
            #expect(preview.output.contains("- remove server ovh001 ("))
            #expect(try await lab.servers == ["ovh001"])
            #expect(try await lab.run("run", destroy).end == .exited(0))
            #expect(try await lab.servers.isEmpty)
            #expect(try await lab.volumes.isEmpty)
        }
    }

    @Test func whatAFailedProvisionBuiltIsRemoved() async throws {
        try await Lab.with { lab in
            try await lab.fault(#"{"service": "nsupdate", "method": "GET", "status": 403, "body": "not allowed"}"#)
            let end = try await lab.run("run", try await lab.file("job.yaml", Self.provision))
            #expect(end.end == .exited(1))
            #expect(end.output.contains("-       server ovh001 "))
            #expect(end.output.contains("rejected, at push-dns"))
            #expect(try await lab.servers.isEmpty)
            #expect(try await lab.volumes.isEmpty)
            #expect(try await lab.node("ovh001")?["locked"] == false)
        }
    }

    @Test func aWrongJobFileIsToldWithItsPlaces() async throws {
        try await Lab.with { lab in
            let job = try await lab.file("job.yaml", "action: provision\nnode: UPPER\n")
            let end = try await lab.run("run", job)
            #expect(end.end == .exited(1))
            #expect(end.errors.contains("job.yaml:2:1: node:"))
            #expect(end.errors.contains("owner: missing"))
            let missing = try await lab.run("run", "\(lab.folder)/nothing.yaml")
            #expect(missing.end == .exited(1))
            #expect(missing.errors == "cirrata: \(lab.folder)/nothing.yaml: No such file or directory\n")
        }
    }
}
