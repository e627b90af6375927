package import HTTPKit
package import World

/// nsupdate-web with the zone behind it, as a value (facts/teuthology.md section 2, recorded against ab1efbc with BIND
/// 9.18). It speaks HTTP/1.0 without lengths, so it answers in `ServerAnswer`s.
package struct NsupdateWeb: Sendable {
    package struct Settings: Sendable, Hashable {
        /// `-d`: appended to every name, also to a full one.
        package var domain: String
        /// `-a`: a Python regular expression for `re.match`: anchored at the start only.
        package var allowHosts: String?
        /// `-k`: host → password; then HTTP Basic is asked for, and the user is the host.
        package var hostPasswords: [String: String]?
        /// `--ttl`, seconds.
        package var ttl: UInt32
        /// `--max-ip`.
        package var maximumAddresses: Int
        /// `--timeout`: how long nsupdate may take.
        package var timeout: Duration

        package init(
            domain: String, allowHosts: String? = nil, hostPasswords: [String: String]? = nil, ttl: UInt32 = 60,
            maximumAddresses: Int = 32, timeout: Duration = .seconds(3)
        ) {
            self.domain = domain
            self.allowHosts = allowHosts
            self.hostPasswords = hostPasswords
            self.ttl = ttl
            self.maximumAddresses = maximumAddresses
            self.timeout = timeout
        }
    }

    /// What goes wrong behind the bridge.
    package enum Trouble: Sendable, Hashable {
        case wrongKey
        case keyFileMissing
        /// `at` as nsupdate prints it: `127.0.0.1#53`.
        case nameServerDown(at: String)
        case zoneRefuses
        /// nsupdate is killed after `timeout`: 500, and the update was applied or not.
        case timeout(applied: Bool)
        /// The update is applied, but something is printed: 500.
        case warning(String)
        /// nsupdate exits 2 and prints nothing: 200 `success`, nothing written, and then `no-change` for ever.
        case silentFailure
        /// The nsupdate program is missing: the connection is closed without an answer.
        case programMissing
    }

    package let settings: Settings
    package var zone: DNSZone
    package var trouble: Trouble?
    /// How many updates `trouble` lasts; nil: until it is taken away.
    package var troubledUpdates: Int?
    /// The bridge's own idea of what DNS holds: `no-change` comes from here, never from DNS.
    private var remembered: [String: Set<NetworkAddress>] = [:]

    package init(zone: DNSZone, settings: Settings? = nil) {
        self.zone = zone
        self.settings = settings ?? Settings(domain: zone.origin.description)
    }

    /// What a restart of the bridge does: it forgets.
    package mutating func restart() { remembered = [:] }

    package mutating func handle(_ request: HTTPRequest, at now: Timestamp) -> ServerAnswer {
        guard request.method == .get else { return Self.unsupported(request.method, now) }
        let query = Self.query(URLText.target(of: request.url).query)
        // Both are looked at before either is acted on, and each sends its own refusal: two responses in a row.
        let host = host(query, request.headers)
        let addresses = addresses(query, request.headers)
        switch (host, addresses) {
        case (.success(let host), .success(let addresses)):
            return update(host, addresses, now)
        case (.failure(.crash), _):
            return ServerAnswer(.raw([]))
        case (.failure(.refused(let first)), .failure(.refused(let second))):
            return ServerAnswer(.raw(Self.bytes(first, now) + Self.bytes(second, now)))
        case (.failure(.refused(let refusal)), _), (_, .failure(.refused(let refusal))):
            return ServerAnswer(.closeDelimited(Self.dressed(refusal, now)))
        case (_, .failure(.crash)):
            return ServerAnswer(.raw([]))
        }
    }

    private enum Refusal: Error {
        case refused(HTTPResponse)
        /// An exception in the handler: closed without a word.
        case crash

        static func plain(_ status: Int, _ text: String) -> Refusal {
            .refused(HTTPResponse(status: status, body: Array(text.utf8)))
        }
    }

    private func host(_ query: [(name: String, value: String)], _ headers: HTTPHeaders) -> Result<String, Refusal> {
        if let hostPasswords = settings.hostPasswords { return authorized(headers, hostPasswords) }
        guard let name = query.first(where: { $0.name == "name" })?.value else {
            return .failure(.plain(400, "Must specify 'name'"))
        }
        if let pattern = settings.allowHosts, !PythonText.matches(pattern, startOf: name) {
            return .failure(.plain(403, "\(name) does not match the allow_hosts regex"))
        }
        return .success(name)
    }

    private func authorized(_ headers: HTTPHeaders, _ passwords: [String: String]) -> Result<String, Refusal> {
        let refusal = HTTPResponse(
            status: 401, headers: ["WWW-Authenticate": "Basic realm=\"\(settings.domain)\""],
            body: Array("no auth".utf8))
        let header = headers["Authorization"] ?? ""
        guard header.hasPrefix("Basic ") else { return .failure(.refused(refusal)) }
        guard let bytes = Base64Text.decode(header.dropFirst(6)), let text = String(validating: bytes, as: UTF8.self),
            let colon = text.firstIndex(of: ":")
        else { return .failure(.crash) }
        var host = String(text[..<colon])
        // Without its dot: `test.front.lab.test` becomes `test.`, which nobody is called.
        if host.hasSuffix(settings.domain) { host.removeLast(settings.domain.count) }
        guard passwords[host] == String(text[text.index(after: colon)...]) else { return .failure(.refused(refusal)) }
        return .success(host)
    }

    private func addresses(
        _ query: [(name: String, value: String)], _ headers: HTTPHeaders
    ) -> Result<[NetworkAddress], Refusal> {
        var texts = query.filter { $0.name == "ip" }.map { PythonText.stripped($0.value) }
        if texts.isEmpty, let address = headers["X-Real-IP"] { texts = [address] }
        if texts.isEmpty { return .failure(.plain(400, "no address")) }
        var addresses: [NetworkAddress] = []
        for text in texts {
            guard let address = NetworkAddress(parsing: text) else {
                return .failure(
                    .plain(400, "broken address\n'\(text)' does not appear to be an IPv4 or IPv6 address"))
            }
            if !addresses.contains(address) { addresses.append(address) }
        }
        return .success(addresses)
    }

    private mutating func update(_ host: String, _ addresses: [NetworkAddress], _ now: Timestamp) -> ServerAnswer {
        if addresses.count > settings.maximumAddresses {
            return Self.answer(400, "too many addresses\nmax \(settings.maximumAddresses)", now)
        }
        if remembered[host] == Set(addresses) { return Self.answer(200, "no-change", now) }
        let current = trouble
        if current != nil, let left = troubledUpdates {
            troubledUpdates = left > 1 ? left - 1 : nil
            if left <= 1 { trouble = nil }
        }
        var printed = ""
        switch current {
        case nil: printed = run(host, addresses, .delivered, now)
        case .wrongKey:
            let text = "; TSIG error with server: tsig indicates error\nupdate failed: NOTAUTH(BADSIG)\n"
            printed = run(host, addresses, .fails(text), now)
        case .keyFileMissing:
            printed = "could not read key from /nonexistent.{private,key}: file not found\n"
            printed += run(host, addresses, .fails("update failed: REFUSED\n"), now)
        case .nameServerDown(let address):
            let text = "; Communication with \(address) failed: connection refused\n"
            printed = run(host, addresses, .fails(text), now)
        case .zoneRefuses: printed = run(host, addresses, .fails("update failed: REFUSED\n"), now)
        case .timeout(let applied):
            if applied { _ = run(host, addresses, .delivered, now) }
            var answer = Self.answer(500, "timeout", now)
            answer.after = settings.timeout
            return answer
        case .warning(let text):
            printed = run(host, addresses, .delivered, now)
            printed += text + "\n"
        case .silentFailure: break
        case .programMissing: return ServerAnswer(.raw([]))
        }
        // Its exit code is never read: silence is success.
        if !printed.isEmpty { return Self.answer(500, printed, now) }
        remembered[host] = Set(addresses)
        return Self.answer(200, "success", now)
    }

    private mutating func run(
        _ host: String, _ addresses: [NetworkAddress], _ transport: NsupdateScript.Transport, _ now: Timestamp
    ) -> String {
        let name = "\(host).\(settings.domain)"
        var lines = ["server 127.0.0.1", "zone \(settings.domain)", "update delete \(name)"]
        for address in addresses {
            let type = if case .v4 = address { "A" } else { "AAAA" }
            lines.append("update add \(name) \(settings.ttl) \(type) \(address)")
        }
        lines += ["send", "quit"]
        let script = Array(lines.joined(separator: "\n").utf8)
        return NsupdateScript.run(script, on: &zone, transport: transport, at: now)
    }
}

extension NsupdateWeb {
    /// `urllib.parse.parse_qs`: items with an empty value are dropped, `;` separates nothing.
    private static func query(_ text: String) -> [(name: String, value: String)] {
        URLText.items(of: text).filter { !$0.value.isEmpty }
    }

    private static func dressed(_ response: HTTPResponse, _ now: Timestamp) -> HTTPResponse {
        var headers: HTTPHeaders = ["Server": "BaseHTTP/0.6 Python/3.11.7", "Date": HTTPDate.text(now)]
        for field in response.headers.fields { headers.add(field.name, field.value) }
        return HTTPResponse(status: response.status, headers: headers, body: response.body)
    }

    private static func answer(_ status: Int, _ text: String, _ now: Timestamp) -> ServerAnswer {
        ServerAnswer(.closeDelimited(dressed(HTTPResponse(status: status, body: Array(text.utf8)), now)))
    }

    private static func bytes(_ response: HTTPResponse, _ now: Timestamp) -> [UInt8] {
        let phrases = [400: "Bad Request", 401: "Not Authorized", 403: "Forbidden"]
        let response = dressed(response, now)
        var head = "HTTP/1.0 \(response.status) \(phrases[response.status] ?? "Error")\r\n"
        for field in response.headers.fields { head += "\(field.name): \(field.value)\r\n" }
        return Array((head + "\r\n").utf8) + response.body
    }

    /// Python's `http.server` on any method that has no handler.
    private static func unsupported(_ method: HTTPMethod, _ now: Timestamp) -> ServerAnswer {
        let page = """
            <!DOCTYPE HTML>
            <html lang="en">
                <head>
                    <meta charset="utf-8">
                    <title>Error response</title>
                </head>
                <body>
                    <h1>Error response</h1>
                    <p>Error code: 501</p>
                    <p>Message: Unsupported method ('\(method.rawValue)').</p>
                    <p>Error code explanation: 501 - Server does not support this operation.</p>
                </body>
            </html>

            """
        var response = dressed(HTTPResponse(status: 501, body: Array(page.utf8)), now)
        response.headers.add("Connection", "close")
        response.headers.add("Content-Type", "text/html;charset=utf-8")
        response.headers.add("Content-Length", String(page.utf8.count))
        return ServerAnswer(.closeDelimited(response))
    }
}
