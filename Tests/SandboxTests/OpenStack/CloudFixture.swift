import HTTPKit
import World

@testable import Sandbox

/// A cloud with a clock: what most tests need.
struct CloudFixture {
    var cloud: OpenStackCloud
    var now = Timestamp(seconds: 1_800_000_000)
    var token = ""
    let project: String

    init(_ configuration: CloudConfiguration = .lab(), login: Bool = true) {
        cloud = OpenStackCloud(configuration)
        project = configuration.projects.first?.id ?? ""
        if login { logIn() }
    }

    mutating func logIn() {
        token =
            send(.keystone, .post, "/v3/auth/tokens", Self.password(user: "cirrata", project: "lab"))
            .headers["X-Subject-Token"] ?? ""
    }

    static func password(user: String, password: String = "secret", project: String?) -> JSONValue {
        var auth: JSONObject = [
            "identity": [
                "methods": ["password"],
                "password": [
                    "user": [
                        "name": .string(user), "domain": ["id": "default"], "password": .string(password),
                    ]
                ],
            ]
        ]
        if let project { auth["scope"] = ["project": ["name": .string(project), "domain": ["id": "default"]]] }
        return ["auth": .object(auth)]
    }

    @discardableResult
    mutating func send(
        _ service: CloudService, _ method: HTTPMethod, _ target: String, _ body: JSONValue? = nil,
        headers: HTTPHeaders = [:]
    ) -> HTTPResponse {
        var all = headers
        if !token.isEmpty, all["X-Auth-Token"] == nil { all.add("X-Auth-Token", token) }
        return cloud.handle(
            service, HTTPRequest(method, target, headers: all, body: body?.bytes ?? []), at: now)
    }

    mutating func nova(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil) -> HTTPResponse {
        send(.nova, method, "/v2.1" + path, body)
    }

    mutating func cinder(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil) -> HTTPResponse {
        send(.cinder, method, "/v3/\(project)" + path, body)
    }

    mutating func wait(_ duration: Duration) { now = now + duration }

    func flavor(_ name: String = "vps-ssd-1") -> String {
        cloud.configuration.flavors.first { $0.name == name }?.id ?? ""
    }

    func image(_ name: String = "Ubuntu 22.04") -> String {
        cloud.configuration.images.first { $0.name == name }?.id ?? ""
    }

    var network: String { cloud.configuration.networks.first?.id ?? "" }

    func wish(_ name: String, _ extra: JSONObject = [:]) -> JSONValue {
        let base: JSONObject = [
            "name": .string(name), "flavorRef": .string(flavor()), "imageRef": .string(image()),
            "networks": [["uuid": .string(network)]],
        ]
        return ["server": .object(base.merging(extra))]
    }

    /// Creates a server and returns its id.
    mutating func create(_ name: String, _ extra: JSONObject = [:]) -> String {
        let answer = nova(.post, "/servers", wish(name, extra))
        return answer.json["server"]?["id"]?.string ?? "refused: \(answer.text)"
    }

    mutating func createActive(_ name: String) -> String {
        let id = create(name)
        wait(.seconds(30))
        return id
    }

    mutating func server(_ id: String) -> JSONValue { nova(.get, "/servers/\(id)").json["server"] ?? nil }

    mutating func createVolume(_ name: String, size: Int = 10) -> String {
        let body: JSONValue = ["volume": ["size": .integer(size), "name": .string(name)]]
        let answer = cinder(.post, "/volumes", body)
        return answer.json["volume"]?["id"]?.string ?? "refused: \(answer.text)"
    }

    mutating func volume(_ id: String) -> JSONValue { cinder(.get, "/volumes/\(id)").json["volume"] ?? nil }

    mutating func attach(_ volume: String, to server: String) -> HTTPResponse {
        nova(.post, "/servers/\(server)/os-volume_attachments", ["volumeAttachment": ["volumeId": .string(volume)]])
    }
}

extension HTTPResponse {
    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }

    /// The message of an error, whatever its envelope.
    var message: String? {
        json["message"]?.string ?? json.object?.first?.value["message"]?.string
    }
}
