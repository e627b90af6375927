import HTTPKit
package import Resilience
package import World

/// Nova, API 2.1 (facts/openstack.md 1.4). Every function throws `ServiceError` and `CancellationError`; those that change
/// something also `FenceClosed` and `Drained`.
package struct Compute: Sendable {
    let client: ServiceClient
    let cache: InventoryCache

    // MARK: Servers

    /// Not repeated by us whatever happens: after `.ambiguous` the caller looks for a server of its key first.
    /// - Throws: a `ServiceError` that `smellsOfStaleness` once our lists were dropped because of it.
    package func createServer(_ new: NewServer, for call: Call) async throws -> CreatedServer {
        let request = ServiceRequest(
            method: .post, path: "/servers", body: new.body, intent: .create, operation: "create server \(new.name)")
        do {
            let response = try await client.send(request, for: call) {
                ComputeVerdicts.verdict(of: $0, intent: .create)
            }
            let id: String = try await client.decode(response, of: request) { json throws(JSONError) in
                try json.read("server") { server throws(JSONError) in try server.read("id") }
            }
            return CreatedServer(id: id, requestID: response.openStackRequestID)
        } catch let error as ServiceError where error.smellsOfStaleness {
            await cache.drop()
            throw error
        }
    }

    /// Nil only when Nova itself says that there is no such server: it is gone.
    package func server(_ id: String, for call: Call) async throws -> Server? {
        let request = look("/servers/\(URLText.escape(id))", "look at server")
        let response = try await client.send(request, for: call) { response in
            CommonVerdicts.provesAbsence(response) ? nil : ComputeVerdicts.verdict(of: response, intent: .look)
        }
        if response.status == 404 { return nil }
        return try await client.decode(response, of: request) { json throws(JSONError) in try json.read("server") }
    }

    /// All servers of the project.
    package func servers(for call: Call) async throws -> Listing<Server> {
        try await servers("", call, complete: true)
    }

    /// What changed since, deleted servers included: proves nothing about what is not in it.
    package func servers(changedSince time: Timestamp, for call: Call) async throws -> Listing<Server> {
        try await servers(URLText.query([("changes-since", time.description)]), call, complete: false)
    }

    private func servers(_ query: String, _ call: Call, complete: Bool) async throws -> Listing<Server> {
        var request = look("/servers/detail", "list servers")
        request.query = query
        return try await client.list("servers", request, for: call, complete: complete, judge: judgeLook)
    }

    package func deleteServer(_ id: String, for call: Call) async throws -> Deletion {
        try await delete("/servers/\(URLText.escape(id))", "delete server", call)
    }

    /// Asks for more than a DELETE gives: where Nova puts servers aside (`reclaim_instance_interval`), and where a deletion
    /// got stuck (facts/openstack.md 1.4 and section 3, 8).
    /// - Returns: nil when this cloud does not let us, or not in the server's state.
    package func forceDeleteServer(_ id: String, for call: Call) async throws -> Deletion? {
        let request = ServiceRequest(
            method: .post, path: "/servers/\(URLText.escape(id))/action", body: ["forceDelete": nil], intent: .remove,
            operation: "delete server by force")
        let response = try await client.send(request, for: call) { response in
            [400, 403, 404, 405, 409, 501].contains(response.status)
                ? nil : ComputeVerdicts.verdict(of: response, intent: .remove)
        }
        if CommonVerdicts.provesAbsence(response) { return .alreadyGone }
        return response.status < 300 ? .accepted(requestID: response.openStackRequestID) : nil
    }

    /// The last lines that the machine wrote on its console; nil where this cloud gives none.
    package func consoleTail(_ id: String, lines: Int, for call: Call) async throws -> String? {
        let request = ServiceRequest(
            method: .post, path: "/servers/\(URLText.escape(id))/action",
            body: ["os-getConsoleOutput": ["length": .integer(lines)]], intent: .look, operation: "read console")
        let response = try await client.send(request, for: call) { response in
            // Nice to have: not worth an error, least of all one that closes the gate.
            (400..<500).contains(response.status) && ![401, 413, 429].contains(response.status)
                ? nil : ComputeVerdicts.verdict(of: response, intent: .look)
        }
        guard response.status < 300 else { return nil }
        return try await client.decode(response, of: request) { json throws(JSONError) in
            try json.readIfPresent("output")
        }
    }

    // MARK: Volumes of a server

    /// Starts to attach: whether it worked shows only in the volume, which becomes `in-use` on this server or goes back
    /// to `available` (facts/openstack-observed.md, "Volumes").
    /// - Returns: the request id.
    package func attach(volume volumeID: String, to serverID: String, for call: Call) async throws -> String? {
        let request = ServiceRequest(
            method: .post, path: "/servers/\(URLText.escape(serverID))/os-volume_attachments",
            body: ["volumeAttachment": ["volumeId": .string(volumeID)]], intent: .change, operation: "attach volume")
        let response = try await client.send(request, for: call) { ComputeVerdicts.verdict(of: $0, intent: .change) }
        return response.openStackRequestID
    }

    package func detach(volume volumeID: String, from serverID: String, for call: Call) async throws -> Deletion {
        try await delete(
            "/servers/\(URLText.escape(serverID))/os-volume_attachments/\(URLText.escape(volumeID))", "detach volume",
            call)
    }

    // MARK: What there is

    func flavors(for call: Call) async throws -> Listing<Flavor> {
        let request = look("/flavors/detail", "list flavors")
        return try await client.list("flavors", request, for: call, complete: true, judge: judgeLook)
    }

    func zones(for call: Call) async throws -> [AvailabilityZone] {
        let request = look("/os-availability-zone", "list availability zones")
        let zones: JSONElements<AvailabilityZone> = try await client.fetch(request, for: call, judge: judgeLook) {
            json throws(JSONError) in try json.read("availabilityZoneInfo")
        }
        return zones.items
    }

    package func limits(for call: Call) async throws -> ComputeLimits {
        let request = look("/limits", "read compute limits")
        return try await client.fetch(request, for: call, judge: judgeLook) { json throws(JSONError) in
            try json.read("limits") { limits throws(JSONError) in try limits.read("absolute") }
        }
    }

    /// The cheapest question that needs a token.
    package func ping(for call: Call) async throws {
        var request = look("/flavors", "ask for a flavor")
        request.query = "limit=1"
        _ = try await client.send(request, for: call, judge: judgeLook)
    }

    // MARK: -

    private func look(_ path: String, _ operation: String) -> ServiceRequest {
        ServiceRequest(method: .get, path: path, intent: .look, operation: operation)
    }

    private var judgeLook: ServiceClient.Judge {
        { ComputeVerdicts.verdict(of: $0, intent: .look) }
    }

    private func delete(_ path: String, _ operation: String, _ call: Call) async throws -> Deletion {
        let request = ServiceRequest(method: .delete, path: path, intent: .remove, operation: operation)
        let response = try await client.send(request, for: call) { response in
            CommonVerdicts.provesAbsence(response) ? nil : ComputeVerdicts.verdict(of: response, intent: .remove)
        }
        return response.status == 404 ? .alreadyGone : .accepted(requestID: response.openStackRequestID)
    }
}

extension HTTPResponse {
    /// What the service calls this request in its own logs.
    var openStackRequestID: String? {
        headers["X-OpenStack-Request-Id"] ?? headers["X-Compute-Request-Id"]
    }
}
