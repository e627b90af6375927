import HTTPKit
package import Resilience
import World

/// What nsupdate-web did. Neither is proof: it never reads nsupdate's exit code, and `noChange` comes from its memory
/// of what it once sent, not from DNS (facts/teuthology.md section 2).
package enum NsupdateAnswer: Sendable, Hashable {
    case changed
    case noChange
}

/// How nsupdate-web, or a proxy before it, is told who asks. Never shows the password.
package enum NsupdateLogin: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    case none
    /// One user for all names: a proxy's login.
    case user(String, password: String)
    /// nsupdate-web's own host list: the user is the node's short name, the password is shared.
    case perHost(password: String)

    package var description: String {
        switch self {
        case .none: "no login"
        case .user(let user, _): "user \(user), password withheld"
        case .perHost: "one login per host, password withheld"
        }
    }

    package var debugDescription: String { description }

    fileprivate func sign(_ request: inout HTTPRequest, for name: ShortName) {
        let (user, password) =
            switch self {
            case .none: ("", "")
            case .user(let user, let password): (user, password)
            case .perHost(let password): (name.text, password)
            }
        guard !password.isEmpty || !user.isEmpty else { return }
        let basic = Base64.encode("\(user):\(password)".utf8)
        request.headers["Authorization"] = "Basic \(basic)"
        request.secrets = [password, basic]
    }
}

/// nsupdate-web: replaces all addresses of one name of the lab's zone.
package struct NsupdateClient: Sendable {
    private let address: ServiceAddress
    private let login: NsupdateLogin
    private let gate: Gate
    private let timeout: Duration
    private let serial = SerialByKey<String>()

    /// - Parameters:
    ///   - url: teuthology's `nsupdate_url`.
    ///   - timeout: nsupdate-web gives up on nsupdate after 3 s; under load its answers take up to 4.4 s.
    /// - Throws: `ServiceError` (site) when that is no http address.
    package init(
        url: String, login: NsupdateLogin = .none, gate: Gate, timeout: Duration = .seconds(15)
    ) throws(ServiceError) {
        address = try ServiceAddress(url, service: NsupdateVerdicts.service, key: "nsupdate_url")
        self.login = login
        self.gate = gate
        self.timeout = timeout
    }

    /// Asks with an address but without a name, which nsupdate-web refuses before it does anything: it is there. (With
    /// neither it answers twice on one connection.)
    package func ping(for call: Call) async throws {
        _ = try await gate.send(
            HTTPRequest(.get, url(query: "ip=192.0.2.1"), timeout: timeout, maximumAnswer: 1 << 16), .look,
            operation: "see whether it answers", path: "GET \(URLText.target(of: address.url).path)", for: call,
            judge: { $0.status < 500 ? nil : NsupdateVerdicts.judge($0) })
    }

    /// Asks with a node's name and login for an address that is none: nsupdate-web looks who asks, and for which name,
    /// and refuses the address before it does anything (facts/teuthology.md section 2, "broken address").
    /// - Throws: `ServiceError` when it would refuse a real address, too; what the gate throws.
    package func rehearse(_ name: ShortName, for call: Call) async throws {
        var request = HTTPRequest(
            .get, url(query: URLText.query([("name", name.text), ("ip", "none")])), timeout: timeout,
            maximumAnswer: 1 << 16)
        login.sign(&request, for: name)
        _ = try await gate.send(
            request, .look, operation: "see whether it takes updates of \(name)",
            path: "GET \(URLText.target(of: address.url).path)", for: call,
            judge: { NsupdateVerdicts.refusesOnlyTheAddress($0) ? nil : NsupdateVerdicts.judge($0) })
    }

    private func url(query: String) -> String {
        address.url + (address.url.utf8.contains(UInt8(ascii: "?")) ? "&" : "?") + query
    }

    /// Makes `target` the only address of a name. Calls for one name follow each other: in parallel they leave
    /// nsupdate-web's memory and DNS in disagreement for ever.
    /// - Parameter intent: `.remove` when a node's name is parked.
    /// - Throws: `ServiceError`: `.permanent` for a refused name or address, `.site` for login, TSIG, zone, `.transient`
    ///   and `.ambiguous` when DNS may or may not have been changed; what the gate throws.
    package func set(
        _ name: ShortName, to target: IPAddress, _ intent: Intent = .change, for call: Call
    ) async throws -> NsupdateAnswer {
        let query = URLText.query([("name", name.text), ("ip", target.description)])
        var request = HTTPRequest(.get, url(query: query), timeout: timeout, maximumAnswer: 1 << 16)
        login.sign(&request, for: name)
        let path = "GET \(URLText.target(of: address.url).path)"
        return try await serial.run(name.text) {
            let response = try await gate.send(
                request, intent, operation: "set address of \(name)", path: path, for: call,
                judge: { NsupdateVerdicts.judge($0) })
            // The verdict let nothing else pass.
            return NsupdateVerdicts.outcome(of: response) ?? .noChange
        }
    }
}
