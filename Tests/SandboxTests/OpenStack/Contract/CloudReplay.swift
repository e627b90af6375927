import HTTPKit
import World

@testable import Sandbox

/// Sends recorded requests to a cloud that knows what the recorded one knew at its beginning. Ids that a cloud makes up
/// are learnt from its answers and put into the later requests; time goes on until the cloud shows the recorded state.
struct CloudReplay {
    var cloud: OpenStackCloud
    var now = Timestamp(seconds: 1_800_000_000)
    private var ids: [(recorded: String, ours: String)] = []
    private var tokens: [String: String] = [:]

    static let project = "b5d2a873ec2d44f09b2fbdb3fe8bcaff"
    static let secondProject = "b35b6e7a3f904506b64dcaa8b010db07"
    static let user = "30bb97f170ff437cb58953a6ab4ec9cb"
    static let network = "7afd63d2-13e4-4205-8d5b-530ab2719c93"

    init() {
        var start = CloudConfiguration()
        start.endpoints = CloudEndpoints(
            keystone: "http://127.0.0.1:5000", nova: "http://127.0.0.1:8774", glance: "http://127.0.0.1:9292",
            neutron: "http://127.0.0.1:9696", cinder: "http://127.0.0.1:8776")
        start.quotas = CloudQuotas()
        start.timings.boot = .seconds(4)
        start.projects = [
            CloudProject(id: Self.project, name: "teuthology"), CloudProject(id: Self.secondProject, name: "second"),
            CloudProject(id: "0123456789abcdef0123456789abcdef", name: "other"),
        ]
        start.users = [
            CloudUser(id: Self.user, name: "teuthology", password: "secret", projects: [Self.project]),
            CloudUser(
                id: "201347a93444411abb455d78ab8c2259", name: "second", password: "secret",
                projects: [Self.secondProject]),
            CloudUser(id: "4eb7b46e17de497e90c8382321a3337c", name: "norole", password: "secret", projects: []),
            CloudUser(
                id: "5eb7b46e17de497e90c8382321a3337c", name: "stranger", password: "secret",
                projects: ["0123456789abcdef0123456789abcdef"]),
        ]
        start.flavors = [
            CloudFlavor(id: "564ef7db-505b-472c-8e9a-724e3c63cbbe", name: "vps-ssd-1", cores: 1, ram: 2_000, disk: 10),
            CloudFlavor(id: "8d8960fe-a83b-4b61-9fba-51039981bdc9", name: "win-ssd-1", cores: 1, ram: 2_000, disk: 50),
            CloudFlavor(id: "8ec28f4f-d325-4adc-8ab2-0bce79ce9da5", name: "vps-ssd-2", cores: 2, ram: 8_000, disk: 40),
            CloudFlavor(id: "987b62c7-e0bb-462c-8b6e-6e96a25cf1cd", name: "no-valid-host", cores: 1, ram: 512, disk: 1),
            CloudFlavor(
                id: "cd713e1f-86b5-4d50-82b1-6a0be4015033", name: "hg-30-ssd", cores: 8, ram: 30_000, disk: 400),
            CloudFlavor(id: "db24772f-acb1-415e-835f-1512cd1e5c32", name: "too-big", cores: 2_000, ram: 512, disk: 1),
            CloudFlavor(id: "4b2471fc-1b4a-4c38-86ea-362e9166f34a", name: "small", cores: 1, ram: 512, disk: 1),
        ]
        start.flavors[3].hasNoHost = true
        start.tokenLifetime = .seconds(86_400)
        let born = Timestamp(seconds: 1_700_000_000)
        start.images = [
            CloudImage(id: "da389504-3263-417d-8e4b-c7789feac220", name: "ubuntu 22.04", created: born),
            CloudImage(id: "546fbbbf-f93b-4b1d-be88-ed46ea54fd18", name: "ubuntu-22.04", created: born),
            CloudImage(id: "3b434f6c-3082-4d42-ad8a-199571064d23", name: "debian 12", created: born),
            CloudImage(id: "384a2057-d933-458f-8d99-4dcbd8801c78", name: "centos 9.stream", created: born),
            CloudImage(id: "3bfe0e88-9df4-49ce-9fcb-2e7ef0136f22", name: "cirros", created: born),
        ]
        start.images[4].isHidden = true
        start.networks = [
            CloudNetwork(
                id: Self.network, name: "Ext-Net", subnet: "855faeab-13b0-4c0b-8b8e-4485e4a15d06", cidr: "10.20.0.0/21")
        ]
        start.securityGroups = [
            CloudSecurityGroup(id: "7408e9af-81f5-4980-9b04-b2b5ee5dc638", name: "default", project: Self.project)
        ]
        cloud = OpenStackCloud(start)
    }

    /// Names one of our ids by a recorded one, where the exchange that told it was not kept.
    mutating func name(_ ours: String?, as recorded: String) { ids.append((recorded, ours ?? "nothing")) }

    /// Sends something that was not recorded.
    @discardableResult
    mutating func ask(
        _ service: CloudService, _ method: HTTPMethod, _ target: String, _ body: JSONValue? = nil,
        as user: String = "teuthology"
    ) -> JSONValue {
        let request = HTTPRequest(
            method, ourForm(target), headers: ["X-Auth-Token": token(user)], body: body?.bytes ?? [])
        return cloud.handle(service, request, at: now).json
    }

    func ours(_ recorded: String) -> String { ids.last { $0.recorded == recorded }?.ours ?? recorded }

    mutating func wait(_ duration: Duration) {
        now = now + duration
        cloud.advance(to: now)
    }

    /// Sends one request; a reading one again and again, until the answer shows the recorded state or a minute is over.
    mutating func send(_ recording: CloudRecording, as user: String) -> HTTPResponse {
        let request = request(recording, as: user)
        let end = now + .seconds(60)
        var answer = cloud.handle(recording.service, request, at: now)
        while request.method.isSafe, now < end, !shows(recording, answer) {
            now = now + .milliseconds(20)
            answer = cloud.handle(recording.service, request, at: now)
        }
        now = now + .milliseconds(10)
        if let body = try? JSONValue(parsing: answer.body) {
            for kind in ["server", "volume", "volumeAttachment", "application_credential"] {
                learn(recording.answer[kind] ?? .null, body[kind] ?? .null)
            }
        }
        return answer
    }

    /// The body as it would be if the cloud had made up the recorded ids.
    func translated(_ body: [UInt8]) -> JSONValue {
        var text = String(decoding: body, as: UTF8.self)
        for pair in ids { text = text.replacing(pair.ours, with: pair.recorded) }
        text = Self.withoutRequestIDs(text)
        return (try? JSONValue(parsing: Array(text.utf8))) ?? .string(text)
    }

    static func withoutRequestIDs(_ text: String) -> String {
        text.replacing(#/req-[0-9a-f-]{36}/#, with: "req-")
    }

    private mutating func request(_ recording: CloudRecording, as user: String) -> HTTPRequest {
        var headers: [HTTPHeaders.Field] = []
        for (name, value) in recording.headers.sorted(by: { $0.key < $1.key }) {
            headers.append(HTTPHeaders.Field(name: name, value: value == "TOKEN" ? token(user) : value))
        }
        var body = String(decoding: recording.body, as: UTF8.self)
        if body.contains("TOKEN") { body = body.replacing("TOKEN", with: token(user)) }
        return HTTPRequest(
            recording.method, ourForm(recording.target), headers: HTTPHeaders(headers),
            body: Array(ourForm(body).utf8))
    }

    private func ourForm(_ text: String) -> String {
        ids.reduce(text) { $0.replacing($1.recorded, with: $1.ours) }
    }

    private mutating func token(_ user: String) -> String {
        // The name of none of the users stands for a token that is no longer valid.
        if user == "revoked" { return "gAAAAABrevoked" }
        if let token = tokens[user] { return token }
        let project = ["teuthology": "teuthology", "second": "second", "stranger": "other"][user]
        let login = HTTPRequest(
            .post, "/v3/auth/tokens", body: CloudFixture.password(user: user, project: project).bytes)
        let token = cloud.handle(.keystone, login, at: now).headers["X-Subject-Token"] ?? "none"
        tokens[user] = token
        return token
    }

    private func shows(_ recording: CloudRecording, _ answer: HTTPResponse) -> Bool {
        guard answer.status == recording.status else { return false }
        guard answer.status == 200, let body = try? JSONValue(parsing: answer.body) else { return true }
        for kind in ["server", "volume"] {
            guard let wanted = recording.answer[kind], let ours = body[kind] else { continue }
            for key in ["status", "OS-EXT-STS:task_state"] where wanted[key] != ours[key] { return false }
            // Half-way marks: ports are there, the volume was scheduled.
            if (wanted["security_groups"] == nil) != (ours["security_groups"] == nil) { return false }
            if wanted["updated_at"]?.isNull != ours["updated_at"]?.isNull { return false }
        }
        return true
    }

    private mutating func learn(_ recorded: JSONValue, _ ours: JSONValue) {
        switch (recorded, ours) {
        case (.object(let a), .object(let b)):
            for key in a.keys.sorted() where b[key] != nil { learn(a[key] ?? .null, b[key] ?? .null) }
        case (.array(let a), .array(let b)):
            for (left, right) in zip(a, b) { learn(left, right) }
        case (.string(let a), .string(let b)):
            // Ids, addresses, and the secret of an application credential.
            let isMadeUp =
                isUUID(a) && isUUID(b) || CloudNetwork.address(a) != nil && CloudNetwork.address(b) != nil
                || a.utf8.count > 80 && b.utf8.count > 80
            let isNew = a != b && isMadeUp && !ids.contains { $0.recorded == a || $0.ours == b }
            if isNew { ids.append((a, b)) }
        default: break
        }
    }
}
