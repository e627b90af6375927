import CurlHTTP
import EventLoop
import Glibc
import HTTPKit
import TestSupport
import Testing
import World

/// Against `openssl s_server`, where there is one.
@Suite(.timeLimit(.minutes(1)), .enabled(if: access("/usr/bin/openssl", X_OK) == 0))
struct TLSTests {
    @Test func whomWeTrust() async throws {
        try await withTemporaryFolder { folder in
            try await withLiveWorld(http: { try await CurlTransport(loop: $0) }) { world in
                try await withServer(in: world, folder) { url in
                    let failure = await #expect(throws: HTTPFailure.self) {
                        try await world.http.execute(HTTPRequest(.post, url))
                    }
                    #expect(failure?.reason == .tls)
                    #expect(failure?.mayHaveArrived == false)
                    #expect(failure?.detail.contains("certificate") == true)
                    let insecure = try await world.http.execute(HTTPRequest(.get, url, verifyTLS: false))
                    #expect(insecure.status == 200)
                    let trusted = try await world.http.execute(
                        HTTPRequest(.get, url, certificateAuthority: "\(folder)/certificate"))
                    #expect(trusted.status == 200)
                }
            }
        }
    }

    private func withServer(
        in world: World, _ folder: String, _ body: @Sendable (_ url: String) async throws -> Void
    ) async throws {
        let made = try await world.children.run(
            ChildCommand(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(folder)/key", "-out",
                    "\(folder)/certificate", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=IP:127.0.0.1",
                ]))
        try #require(made.succeeded)
        let port = try freePort()
        let children = try SystemChildren(
            loop: try #require(world.executor as? EventLoop), environment: world.host.environment)
        let server = try await children.start(
            ChildCommand(
                "openssl",
                [
                    "s_server", "-accept", "127.0.0.1:\(port)", "-cert", "\(folder)/certificate", "-key",
                    "\(folder)/key", "-www",
                ]))
        defer { server.signal(SIGKILL) }
        _ = try await server.waitForLine(containing: "ACCEPT")
        try await body("https://127.0.0.1:\(port)/")
    }
}
