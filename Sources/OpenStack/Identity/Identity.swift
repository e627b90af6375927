import HTTPKit
package import Resilience
import World

/// A login that is being used. Holds the token: its description does not.
struct Session: Sendable, CustomStringConvertible, CustomReflectable {
    let token: String
    let projectID: String?
    let catalog: ServiceCatalog
    /// Of the services that are where the configuration says.
    let endpoints: [OpenStackService: String]
    let generation: Int

    var description: String { "session \(generation) of project \(projectID ?? "?")" }
    var customMirror: Mirror { Mirror(self, children: ["generation": generation]) }
}

/// One login for everybody (Keystones limit them: facts/openstack.md section 3, 20): fetched once, renewed early, once
/// more when a service refuses it.
package final class Identity: Sendable {
    private struct Current: Sendable {
        var session: Session
        var refreshAt: Moment
        var expiresAt: Moment
    }

    private struct State: Sendable {
        var usesV2: Bool
        var current: Current?
        var generation = 0
        var refusal: Refusal?
        var warned: Set<String> = []
    }

    /// Keystone refused the login. Trying it over and over locks accounts, and each worker tries.
    private struct Refusal: Sendable {
        var secret: CloudSecret.Mark
        var tries: Int
        var nextTry: Moment
    }

    /// How soon an early renewal that failed is tried again.
    private static let refreshRetry = Duration.seconds(15)
    /// How often it is seen whether a refused secret has changed.
    private static let secretLook = Duration.seconds(10)

    /// How long a refused login is not tried again with the same secret: 30 s, 2, 8, 32 minutes, an hour.
    private static func rest(after tries: Int) -> Duration {
        min(.seconds(30) * (1 << (2 * min(tries - 1, 8))), .seconds(3_600))
    }

    private let settings: CloudSettings
    private let gate: Gate
    private let world: World
    private let warn: @Sendable (String) -> Void
    private let flight = SingleFlight<Session>()
    private let authURL: AuthURL
    private let state: Locked<State>

    init(settings: CloudSettings, gate: Gate, world: World, warn: @escaping @Sendable (String) -> Void) {
        self.settings = settings
        self.gate = gate
        self.world = world
        self.warn = warn
        authURL = AuthURL(parsing: settings.authURL)
        let wanted = settings.identityVersion == .automatic ? authURL.named : settings.identityVersion
        state = Locked(State(usesV2: wanted == .v2))
    }

    /// The id of the project that we are logged in to; logs in if need be. The sweeper compares it between runs: a
    /// changed project makes everything look gone (facts/openstack.md section 3, 21).
    package func projectID(for call: Call) async throws -> String? {
        try await session(for: call).projectID
    }

    /// What is wrong with the configured region, seen from the catalog; nil: nothing. For `doctor`.
    /// - Throws: as `projectID`.
    package func regionProblem(for call: Call) async throws -> String? {
        try await session(for: call).catalog.problem(ofRegion: settings.region)
    }

    /// Logs in again at the next request: the catalog is suspected to be old.
    package func drop() {
        state.withLock { $0.current = nil }
    }

    private var current: Current? { state.withLock { $0.current } }

    /// - Throws: `ServiceError` of `keystone`; `CancellationError`.
    func session(for call: Call) async throws -> Session {
        if let current {
            let now = world.time.now
            if now < current.refreshAt { return current.session }
            // Time to renew, but it still works: an ailing Keystone must not stop the other services.
            if now < current.expiresAt, gate.state.isClosed { return current.session }
        }
        do {
            return try await sharedLogin(call)
        } catch let error as ServiceError {
            let now = world.time.now
            guard error.kind == .transient, let old = current, now < old.expiresAt else { throw error }
            state.withLock { $0.current?.refreshAt = now + Self.refreshRetry }
            return old.session
        }
    }

    /// Logs in now, whether or not that is needed: proves that we can.
    func renewed(for call: Call) async throws -> Session {
        state.withLock { $0.current?.refreshAt = world.time.now }
        return try await sharedLogin(call)
    }

    /// A service refused this session's token.
    func reject(_ session: Session) {
        state.withLock { state in
            if state.current?.session.generation == session.generation { state.current = nil }
        }
    }

    /// Whether the cloud has a service, as far as its catalog says; true of one that the configuration names.
    func isOffered(_ service: OpenStackService, in session: Session) -> Bool {
        session.endpoints[service] != nil || session.catalog.offers(service, in: settings)
    }

    /// - Throws: `ServiceError` of kind `site`, with what the catalog has instead.
    func endpoint(of service: OpenStackService, in session: Session) throws -> String {
        if let endpoint = session.endpoints[service] { return endpoint }
        do {
            return try endpoint(of: service, session.catalog, session.projectID)
        } catch {
            throw ServiceError(
                service: service.rawValue, provider: settings.provider, operation: "find endpoint",
                message: error.message, kind: .site,
                next: "set region, interface or an endpoint for \(service.rawValue) of provider \(settings.provider)")
        }
    }

    private func endpoint(
        of service: OpenStackService, _ catalog: ServiceCatalog, _ projectID: String?
    ) throws(ServiceCatalog.NoEndpoint) -> String {
        let named = settings.override(service).endpoint
        let url = if let named { named } else { try catalog.url(of: service, in: settings) }
        return EndpointURL.normalised(url, for: service, projectID: projectID)
    }

    private func endpoints(_ token: Token) -> [OpenStackService: String] {
        var endpoints: [OpenStackService: String] = [:]
        for service in OpenStackService.allCases {
            endpoints[service] = try? endpoint(of: service, token.catalog, token.projectID)
        }
        return endpoints
    }
}

// MARK: - Logging in

extension Identity {
    /// One logs in for all, but each has its own patience before a closed gate.
    private func sharedLogin(_ call: Call) async throws -> Session {
        guard let parkAfter = call.parkAfter else { return try await flight.run { try await self.login(call) } }
        var patient = call
        patient.parkAfter = nil
        return try await withThrowingTaskGroup(of: Session.self) { [flight, gate, patient, time = world.time] group in
            group.addTask { try await flight.run { try await self.login(patient) } }
            group.addTask {
                while true {
                    try await time.sleep(for: parkAfter)
                    let state = gate.state
                    guard state.isClosed else { continue }
                    throw Parked(
                        cause: "\(gate.service)-\(state.name)", why: "\(gate.service): \(state.why)")
                }
            }
            defer { group.cancelAll() }
            guard let session = try await group.next() else { throw CancellationError() }
            return session
        }
    }

    private func login(_ call: Call) async throws -> Session {
        // Somebody else may have finished while we waited for our turn.
        if let current, world.time.now < current.refreshAt { return current.session }
        let began = world.time.now
        let secret = try await secretWorthTrying()
        let token: Token
        do {
            token = try await fetch(secret, call)
        } catch let error as ServiceError where error.status == 401 {
            throw await refused(secret, error)
        }
        // From our own monotonic clock: Keystone's calendar and ours need not agree.
        let life = token.life ?? .seconds(3_600)
        let margin = min(.seconds(300), life / 10)
        let endpoints = endpoints(token)
        warnOfClearText(endpoints)
        return state.withLock { state in
            state.generation += 1
            state.refusal = nil
            let session = Session(
                token: token.id, projectID: token.projectID, catalog: token.catalog, endpoints: endpoints,
                generation: state.generation)
            state.current = Current(session: session, refreshAt: began + life - margin, expiresAt: began + life)
            return session
        }
    }

    /// The secret; one that was refused only when its time has come, or when it or its file has changed.
    private func secretWorthTrying() async throws -> String {
        while true {
            let secret: String
            do {
                secret = try await settings.credential.secret.reveal()
            } catch let error where !(error is CancellationError) {
                throw failure("the secret cannot be read: \(error)", request: "")
            }
            let mark = await settings.credential.secret.mark(of: secret)
            let now = world.time.now
            guard let refusal = state.withLock(\.refusal), refusal.secret == mark, now < refusal.nextTry else {
                return secret
            }
            try await world.time.sleep(for: min(Self.secretLook, refusal.nextTry - now))
        }
    }

    private func refused(_ secret: String, _ error: ServiceError) async -> ServiceError {
        let mark = await settings.credential.secret.mark(of: secret)
        let rest = state.withLock { state in
            let tries = (state.refusal?.tries ?? 0) + 1
            let rest = Self.rest(after: tries)
            state.refusal = Refusal(secret: mark, tries: tries, nextTry: world.time.now + rest)
            return rest
        }
        var error = error
        error.next += "; the next try is in \(rest.short), or soon after the password's file was written"
        return error
    }

    /// The token goes to every endpoint, and whoever reads it has the project.
    private func warnOfClearText(_ endpoints: [OpenStackService: String]) {
        guard authURL.root.hasPrefix("https://") else { return }
        for (service, url) in endpoints.sorted(by: { $0.key.rawValue < $1.key.rawValue })
        where service != .identity && url.hasPrefix("http://") && !URLText.isLoopback(url)
            && settings.override(service).endpoint == nil
        {
            guard state.withLock({ $0.warned.insert(url).inserted }) else { continue }
            warn(
                "provider \(settings.provider): the catalog names \(AnswerText.shortened(url)) for "
                    + "\(service.rawValue): the token goes there in clear text; use an https endpoint")
        }
    }

    private func fetch(_ secret: String, _ call: Call) async throws -> Token {
        if state.withLock(\.usesV2), let body = LoginRequest.v2(settings.credential, secret: secret) {
            let response = try await post("/v2.0/tokens", body, secret, call) { response in
                IdentityVerdicts.isGone(response) ? nil : IdentityVerdicts.login(response)
            }
            if !IdentityVerdicts.isGone(response) {
                guard let body = try? JSONValue(parsing: response.body),
                    let token = Token(v2: body, now: world.time.wallClock)
                else { throw failure("the answer to the login holds no token", request: "POST /v2.0/tokens") }
                return token
            }
            warn(
                "provider \(settings.provider): \(authURL.root) has no identity API v2.0 any more, using v3; "
                    + "change the auth URL to end in /v3")
        }
        state.withLock { $0.usesV2 = false }
        let response = try await post(
            "/v3/auth/tokens", LoginRequest.v3(settings.credential, secret: secret), secret, call,
            judge: IdentityVerdicts.login)
        guard let body = try? JSONValue(parsing: response.body),
            let token = Token(v3: response, body: body, now: world.time.wallClock)
        else { throw failure("the answer to the login holds no token", request: "POST /v3/auth/tokens") }
        return token
    }

    private func post(
        _ path: String, _ body: JSONValue, _ secret: String, _ call: Call, judge: @Sendable (HTTPResponse) -> Verdict?
    ) async throws -> HTTPResponse {
        let request = settings.request(
            .post, authURL.root + path, headers: ["Content-Type": "application/json", "Accept": "application/json"],
            body: body.bytes, secrets: [secret])
        return try await gate.send(request, .login, operation: "log in", path: "POST \(path)", for: call, judge: judge)
    }

    private func failure(_ message: String, request: String) -> ServiceError {
        ServiceError(
            service: OpenStackService.identity.rawValue, provider: settings.provider, operation: "log in",
            request: request, message: message, kind: .site, next: IdentityVerdicts.remedy)
    }
}
