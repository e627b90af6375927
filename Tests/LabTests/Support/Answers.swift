import HTTPKit
import Resilience
import World

/// Answers as they were recorded from the real services.
enum Answers {
    static let crash = html(500, "Internal Server Error")

    static func json(_ status: Int, _ body: String) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Content-Type": "application/json"], body: Array(body.utf8))
    }

    static func message(_ status: Int, _ text: String) -> HTTPResponse { json(status, #"{"message": "\#(text)"}"#) }

    static func html(_ status: Int, _ title: String) -> HTTPResponse {
        let page =
            "<html>\n  <head>\n    <title>\(title)</title>\n  </head>\n  <body>\n    <h1>\(title)</h1>\n  </body>\n</html>\n"
        return HTTPResponse(status: status, headers: ["Content-Type": "text/html"], body: Array(page.utf8))
    }

    /// nsupdate-web: neither a type nor a length.
    static func bare(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Server": "BaseHTTP/0.6 Python/3.11.7"], body: Array(text.utf8))
    }

    static func node(
        _ name: String = "ovh001.front.lab.test", up: String = "true", type: String = "ovh", locked: Bool = false,
        since: String = "null", by: String = "null"
    ) -> String {
        #"{"name": "\#(name)", "description": null, "up": \#(up), "machine_type": "\#(type)", "is_vm": true, "#
            + #""vm_host": null, "os_type": null, "os_version": null, "arch": null, "locked": \#(locked), "#
            + #""locked_since": \#(since), "locked_by": \#(by), "mac_address": null, "ssh_pub_key": null}"#
    }
}

extension Gate {
    /// Holds nothing back by itself.
    static func open(_ service: String, _ world: World) -> Gate {
        Gate(service: service, provider: "", settings: GateSettings(rate: 0, breakerThreshold: 1_000), world: world)
    }
}

/// The error that `body` ends with; nil when it ends well or with another kind of error.
func serviceError(_ body: () async throws -> Void) async -> ServiceError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? ServiceError
    }
}
