import HTTPKit
import Resilience
import World

/// One request to one service, before it has a host and a token.
struct ServiceRequest: Sendable {
    var method: HTTPMethod
    /// Below the endpoint: `/servers/ID`.
    var path: String
    /// Escaped, without `?`.
    var query = ""
    var body: JSONValue?
    var intent: Intent
    /// In words: `create server`.
    var operation: String
    var microversion: String?
    var isList = false
}

/// Sends requests to one service: finds its endpoint, adds the token, logs in once more when the token is refused, reads
/// the answers.
struct ServiceClient: Sendable {
    typealias Judge = @Sendable (HTTPResponse) -> Verdict?

    let service: OpenStackService
    let settings: CloudSettings
    let gate: Gate
    let identity: Identity
    let world: World

    /// Answers beyond this size are decoded off the loop.
    private static let bigAnswer = 64 << 10
    /// A page of a list: at most a thousand items (facts/openstack.md 1.4) of a few KiB each.
    private static let biggestList = 8 << 20

    /// - Throws: `ServiceError`, `FenceClosed`, `Drained`, `CancellationError`.
    func send(_ request: ServiceRequest, for call: Call, judge: @escaping Judge) async throws -> HTTPResponse {
        let session = try await identity.session(for: call)
        do {
            return try await attempt(request, session, call) { response in
                response.status == 401 ? Verdict(.transient, "the token was refused") : judge(response)
            }
        } catch let error as ServiceError where error.status == 401 {
            // Refused before the service saw the request, so even a change may be sent again.
            identity.reject(session)
            return try await attempt(request, try await identity.session(for: call), call, judge)
        }
    }

    private func attempt(
        _ request: ServiceRequest, _ session: Session, _ call: Call, _ judge: @escaping Judge
    ) async throws -> HTTPResponse {
        let endpoint = try identity.endpoint(of: service, in: session)
        var headers: HTTPHeaders = ["X-Auth-Token": session.token, "Accept": "application/json"]
        if let version = request.microversion ?? settings.override(service).microversion {
            addMicroversion(version, to: &headers)
        }
        var body: [UInt8] = []
        if let json = request.body {
            headers["Content-Type"] = "application/json"
            body = json.bytes
        }
        // The endpoint and links to next pages are the cloud's words.
        let url = URLText.printable(
            endpoint + request.path + (request.query.isEmpty ? "" : "?" + request.query))
        var http = settings.request(request.method, url, headers: headers, body: body, secrets: [session.token])
        if request.isList { http.maximumAnswer = Self.biggestList }
        return try await gate.send(
            http, request.intent,
            operation: request.operation, path: "\(request.method.rawValue) \(request.path)", for: call, judge: judge)
    }

    /// Both spellings for Nova: the new one wins where it is known (facts/openstack.md 1.3).
    private func addMicroversion(_ version: String, to headers: inout HTTPHeaders) {
        switch service {
        case .compute:
            headers["OpenStack-API-Version"] = "compute \(version)"
            headers["X-OpenStack-Nova-API-Version"] = version
        case .blockStorage:
            headers["OpenStack-API-Version"] = "volume \(version)"
        case .identity, .image, .network:
            break
        }
    }

    /// Reads a typed value out of an answer.
    /// - Throws: `ServiceError` when the answer is not what it should be; `.ambiguous` for a change, which has had its
    ///   effect all the same.
    func decode<Value: Sendable>(
        _ response: HTTPResponse, of request: ServiceRequest, _ reading: @escaping Reading<Value>
    ) async throws -> Value {
        let body = response.body
        do {
            if body.count <= Self.bigAnswer { return try reading(JSONValue(parsing: body)) }
            return try await world.compute.run { try reading(JSONValue(parsing: body)) }
        } catch let error as JSONError {
            throw ServiceError(
                service: service.rawValue, provider: settings.provider, operation: request.operation,
                request: "\(request.method.rawValue) \(request.path)", status: response.status,
                message: "the answer cannot be read: \(error)",
                kind: request.intent.isMutating ? .ambiguous : .transient,
                next: "check what answers at the endpoint of \(service.rawValue)")
        }
    }

    func fetch<Value: Sendable>(
        _ request: ServiceRequest, for call: Call, judge: @escaping Judge, _ reading: @escaping Reading<Value>
    ) async throws -> Value {
        try await decode(try await send(request, for: call, judge: judge), of: request, reading)
    }

    typealias Reading<Value> = @Sendable (JSONValue) throws(JSONError) -> Value
}

// MARK: - Lists

extension ServiceClient {
    /// Follows a list to its end.
    /// - Parameter member: the name that the items of a page stand under.
    /// - Throws: what `send` throws; `ServiceError` when the service sends us in a circle.
    func list<Item: JSONReadable>(
        _ member: String, _ request: ServiceRequest, for call: Call, complete: Bool, judge: @escaping Judge
    ) async throws -> Listing<Item> {
        var restarts = 2
        while true {
            do {
                return try await pages(member, request, call, complete, judge)
            } catch let error as StaleMarker {
                // The last item of a page was deleted before the next page was asked for.
                restarts -= 1
                if restarts == 0 { throw error.cause }
            }
        }
    }

    /// More than any project of a lab has. A service that always has one more page must not fill our memory.
    private static var mostItems: Int { 200_000 }
    private static var mostPages: Int { 2_000 }

    private func unending(
        _ request: ServiceRequest, _ response: HTTPResponse, _ what: String, _ items: Int
    ) -> ServiceError {
        ServiceError(
            service: service.rawValue, provider: settings.provider, operation: request.operation,
            request: "\(request.method.rawValue) \(request.path)", status: response.status,
            message: "the list \(what) after \(items.counted("item"))", kind: .transient,
            next: "check what answers at the endpoint of \(service.rawValue)")
    }

    private struct StaleMarker: Error {
        var cause: ServiceError
    }

    private func pages<Item: JSONReadable>(
        _ member: String, _ first: ServiceRequest, _ call: Call, _ complete: Bool, _ judge: @escaping Judge
    ) async throws -> Listing<Item> {
        var listing = Listing<Item>(items: [], requestedAt: world.time.now, complete: complete)
        var request = first
        request.isList = true
        var seen: Set<String> = []
        while true {
            let response: HTTPResponse
            do {
                response = try await send(request, for: call, judge: judge)
            } catch let error as ServiceError where !seen.isEmpty && (error.status == 400 || error.status == 404) {
                throw StaleMarker(cause: error)
            }
            if listing.serverTime == nil {
                listing.serverTime = response.headers["Date"].flatMap(RetryAfter.date)
            }
            let page = try await decode(response, of: request) { json throws(JSONError) in
                try ListPage<Item>(json, member: member)
            }
            listing.items += page.elements.items
            listing.odd += page.elements.odd
            guard let next = page.next else { return listing }
            let query = URLText.target(of: next).query
            guard !query.isEmpty, seen.insert(query).inserted else {
                throw unending(request, response, "goes round in circles", listing.items.count)
            }
            guard listing.items.count <= Self.mostItems, seen.count <= Self.mostPages else {
                throw unending(request, response, "does not end", listing.items.count)
            }
            request.query = query
        }
    }
}
