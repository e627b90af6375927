import HTTPKit
package import Resilience
import World

/// Cinder v3 (facts/openstack.md 1.7). Every function throws `ServiceError` and `CancellationError`; those that change
/// something also `FenceClosed` and `Drained`.
package struct BlockStorage: Sendable {
    let client: ServiceClient

    /// Not repeated by us whatever happens: after `.ambiguous` the caller looks for the volume's name first.
    package func createVolume(_ new: NewVolume, for call: Call) async throws -> Volume {
        let request = ServiceRequest(
            method: .post, path: "/volumes", body: new.body, intent: .create, operation: "create volume \(new.name)")
        return try await client.fetch(
            request, for: call, judge: { BlockStorageVerdicts.verdict(of: $0, intent: .create) }, Self.readVolume)
    }

    /// Nil only when Cinder itself says that there is no such volume: it is gone.
    package func volume(_ id: String, for call: Call) async throws -> Volume? {
        let request = ServiceRequest(
            method: .get, path: "/volumes/\(URLText.escape(id))", intent: .look, operation: "look at volume")
        let response = try await client.send(request, for: call) { response in
            CommonVerdicts.provesAbsence(response)
                ? nil : BlockStorageVerdicts.verdict(of: response, intent: .look)
        }
        if response.status == 404 { return nil }
        return try await client.decode(response, of: request, Self.readVolume)
    }

    /// All volumes of the project; none where the cloud has no block storage.
    package func volumes(for call: Call) async throws -> Listing<Volume> {
        let asked = client.world.time.now
        guard try await isOffered(for: call) else { return Listing(items: [], requestedAt: asked, complete: true) }
        let request = ServiceRequest(
            method: .get, path: "/volumes/detail", intent: .look, operation: "list volumes")
        return try await client.list("volumes", request, for: call, complete: true, judge: Self.judgeLook)
    }

    /// Whether the cloud has block storage at all: many have none, and serve jobs without volumes.
    package func isOffered(for call: Call) async throws -> Bool {
        let session = try await client.identity.session(for: call)
        return client.identity.isOffered(.blockStorage, in: session)
    }

    /// - Throws: `ServiceError` of kind `site`, with what the catalog has instead.
    package func findEndpoint(for call: Call) async throws {
        let session = try await client.identity.session(for: call)
        _ = try client.identity.endpoint(of: .blockStorage, in: session)
    }

    package func deleteVolume(_ id: String, for call: Call) async throws -> Deletion {
        try await delete("/volumes/\(URLText.escape(id))", "delete volume", microversion: nil, call)
    }

    /// Frees a volume that is stuck in `reserved` or `attaching` after its server is gone: a user's own way, no
    /// administrator needed (facts/openstack.md 1.7). Cinder refuses it (409) while Nova still uses the volume.
    package func deleteAttachment(_ attachmentID: String, for call: Call) async throws -> Deletion {
        try await delete(
            "/attachments/\(URLText.escape(attachmentID))", "delete stale attachment", microversion: "3.27", call)
    }

    /// All attachments of a volume as Cinder keeps them, those that never came through included.
    package func attachmentIDs(ofVolume volumeID: String, for call: Call) async throws -> [String] {
        let request = ServiceRequest(
            method: .get, path: "/attachments", query: URLText.query([("volume_id", volumeID)]), intent: .look,
            operation: "list attachments of volume", microversion: "3.27")
        return try await client.fetch(request, for: call, judge: Self.judgeLook) { json throws(JSONError) in
            let attachments: [JSONValue] = try json.read("attachments")
            return attachments.compactMap { $0["id"]?.string }
        }
    }

    /// None where this account may not know them.
    package func zones(for call: Call) async throws -> [AvailabilityZone] {
        let request = ServiceRequest(
            method: .get, path: "/os-availability-zone", intent: .look, operation: "list availability zones of volumes")
        let response = try await client.send(request, for: call) { response in
            [403, 404].contains(response.status) ? nil : BlockStorageVerdicts.verdict(of: response, intent: .look)
        }
        guard response.status < 300 else { return [] }
        let zones: JSONElements<AvailabilityZone> = try await client.decode(response, of: request) {
            json throws(JSONError) in try json.read("availabilityZoneInfo")
        }
        return zones.items
    }

    package func limits(for call: Call) async throws -> VolumeLimits {
        let request = ServiceRequest(method: .get, path: "/limits", intent: .look, operation: "read volume limits")
        return try await client.fetch(request, for: call, judge: Self.judgeLook) { json throws(JSONError) in
            try json.read("limits") { limits throws(JSONError) in try limits.read("absolute") }
        }
    }

    /// The cheapest question that needs a token.
    package func ping(for call: Call) async throws {
        let request = ServiceRequest(
            method: .get, path: "/volumes", query: "limit=1", intent: .look, operation: "ask for a volume")
        _ = try await client.send(request, for: call, judge: Self.judgeLook)
    }

    private static let judgeLook: ServiceClient.Judge = { BlockStorageVerdicts.verdict(of: $0, intent: .look) }

    private static let readVolume: ServiceClient.Reading<Volume> = { json throws(JSONError) in try json.read("volume") }

    private func delete(
        _ path: String, _ operation: String, microversion: String?, _ call: Call
    ) async throws -> Deletion {
        let request = ServiceRequest(
            method: .delete, path: path, intent: .remove, operation: operation, microversion: microversion)
        let response = try await client.send(request, for: call) { response in
            CommonVerdicts.provesAbsence(response)
                ? nil : BlockStorageVerdicts.verdict(of: response, intent: .remove)
        }
        return response.status == 404 ? .alreadyGone : .accepted(requestID: response.openStackRequestID)
    }
}
