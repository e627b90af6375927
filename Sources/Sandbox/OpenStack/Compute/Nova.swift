import HTTPKit
import OrderedCollections

extension OpenStackCloud {
    static let novaMaximumBody = 114_688

    mutating func nova(_ request: CloudCall) throws(CloudFault) -> HTTPResponse {
        var call = request
        if call.path.isEmpty { return novaVersions(call) }
        guard call.path[0] == "v2.1" else { throw .unknownURL }
        if call.body.count > Self.novaMaximumBody {
            throw .framework(413, "Request is too large. Larger than max_request_body_size (\(Self.novaMaximumBody)).")
        }
        if call.path.count == 1, call.method == .get {
            call.version = try novaVersion(call)
            return call.answer(200, ["version": novaVersion(links: true)])
        }
        let token = try token(of: call)
        call.version = try novaVersion(call)
        do throws(CloudFault) {
            return try routeNova(call, token)
        } catch {
            // The version belongs into the headers of a refusal too.
            throw .response(call.answer(error, keystone: endpoints.keystone))
        }
    }

    private mutating func routeNova(_ call: CloudCall, _ token: CloudToken) throws(CloudFault) -> HTTPResponse {
        let parts = call.path.dropFirst()
        let first = parts.first ?? ""
        let rest = Array(parts.dropFirst())
        switch (call.method, first, rest.count) {
        case (.get, "servers", 0): return try listServers(call, token, detail: false)
        case (.get, "servers", 1) where rest[0] == "detail": return try listServers(call, token, detail: true)
        case (.post, "servers", 0): return try createServer(call, token)
        case (.get, "servers", 1):
            let server = try server(rest[0], token)
            return call.answer(200, ["server": novaServer(server, call, fault: true)])
        case (.put, "servers", 1): return try updateServer(call, try server(rest[0], token))
        case (.delete, "servers", 1): return try deleteServer(call, try server(rest[0], token))
        case (.head, _, _): throw .response(call.unversioned.empty(404, contentType: "text/html; charset=UTF-8"))
        case (_, "servers", 2...): return try serverResource(call, token, rest)
        case (.get, "flavors", 0): return try listFlavors(call, detail: false)
        case (.get, "flavors", 1) where rest[0] == "detail": return try listFlavors(call, detail: true)
        case (.get, "flavors", 1):
            guard let flavor = flavors[rest[0]] else { throw .api(404, "Flavor \(rest[0]) could not be found.") }
            return call.answer(200, ["flavor": novaFlavor(flavor, call, detail: true)])
        case (.get, "limits", 0): return novaLimits(call, token)
        case (.get, "os-availability-zone", 0):
            let list = zones.map { zone -> JSONValue in
                ["zoneName": .string(zone), "zoneState": ["available": true], "hosts": nil]
            }
            return call.answer(200, ["availabilityZoneInfo": .array(list)])
        case (.get, _, 0...1) where Self.proxies.contains(first): return try novaProxy(call, token, first, rest)
        case (_, "os-keypairs", _): return try keyPairs(call, token, rest)
        case (.get, "os-quota-sets", 1...2) where rest[0] == token.project:
            return novaQuotaSet(call, rest[0], detail: rest.count == 2)
        case (.get, "os-services", 0), (.get, "os-hypervisors", _):
            let rule = first == "os-services" ? "os-services:list" : "os-hypervisors:list"
            throw .api(403, "Policy doesn't allow os_compute_api:\(rule) to be performed.")
        default: throw .unknownURL
        }
    }

    /// A server of the token's project that is still there.
    func server(_ id: String, _ token: CloudToken) throws(CloudFault) -> CloudServer {
        guard let server = servers[id], server.project == token.project, !server.isGone else {
            throw .api(404, "Instance \(id) could not be found.")
        }
        return server
    }

    private func novaVersions(_ call: CloudCall) -> HTTPResponse {
        let old: JSONValue = [
            "id": "v2.0", "status": "SUPPORTED", "version": "", "min_version": "",
            "updated": "2011-01-21T11:33:21Z",
            "links": [["rel": "self", "href": .string(endpoints.nova + "/v2/")]],
        ]
        return HTTPResponse(
            status: 200, headers: ["Content-Type": "application/json"],
            body: JSONValue.object(["versions": [old, novaVersion(links: false)]]).bytes)
    }

    private func novaVersion(links: Bool) -> JSONValue {
        var version: JSONObject = [
            "id": "v2.1", "status": "CURRENT", "version": .string(Self.novaLatest.description),
            "min_version": "2.1", "updated": "2013-07-23T11:33:21Z",
        ]
        let own: JSONValue = ["rel": "self", "href": .string(endpoints.nova + "/v2.1/")]
        if links {
            version["links"] = [
                own, ["rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"],
            ]
            version["media-types"] = [
                ["base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"]
            ]
        } else {
            version["links"] = [own]
        }
        return .object(version)
    }

    static let novaLatest = Microversion(2, 93)

    /// The version that the request asks for; the newer header wins (nova microversions.rst).
    private func novaVersion(_ call: CloudCall) throws(CloudFault) -> Microversion {
        var wanted = call.headers["X-OpenStack-Nova-API-Version"]
        for value in call.headers.values("OpenStack-API-Version") {
            let parts = value.split(separator: " ")
            if parts.count == 2, parts[0] == "compute" { wanted = String(parts[1]) }
        }
        guard let wanted else { return Microversion(2, 1) }
        if wanted == "latest" { return Self.novaLatest }
        guard let version = Microversion(wanted) else {
            throw .api(
                400, "API Version String \(wanted) is of invalid format. Must be of format MajorNum.MinorNum.")
        }
        guard version >= Microversion(2, 1), version <= Self.novaLatest else {
            var answering = call
            answering.version = version
            let message =
                "Version \(wanted) is not supported by the API. Minimum is 2.1 and maximum is \(Self.novaLatest)."
            throw .response(answering.answer(.api(406, message), keystone: endpoints.keystone))
        }
        return version
    }
}

extension CloudCall {
    /// For answers that do not name a version.
    var unversioned: CloudCall {
        var call = self
        call.version = nil
        return call
    }

    /// Whether the version asked for is at least this one.
    func isAtLeast(_ major: Int, _ minor: Int) -> Bool {
        (version ?? Microversion(major, 0)) >= Microversion(major, minor)
    }
}
