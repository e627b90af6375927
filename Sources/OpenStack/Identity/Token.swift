import HTTPKit
import World

/// What a login gave us. Holds the token: its description does not.
struct Token: Sendable, CustomStringConvertible, CustomReflectable {
    let id: String
    let projectID: String?
    let catalog: ServiceCatalog
    /// How long it lives from being issued, by Keystone's own clock; nil when it does not say.
    let life: Duration?

    /// The answer to a v3 login: token in a header, the rest in the body.
    init?(v3 response: HTTPResponse, body: JSONValue, now: Timestamp) {
        guard let id = response.headers["X-Subject-Token"], let token = body["token"] else { return nil }
        self.id = id
        projectID = token["project"]?["id"]?.string
        catalog = ServiceCatalog(v3: token["catalog"])
        life = Self.life(issued: token["issued_at"], expires: token["expires_at"], now: now)
    }

    /// The answer to a v2.0 login: all in the body.
    init?(v2 body: JSONValue, now: Timestamp) {
        // It becomes a header of every request.
        guard let access = body["access"], let token = access["token"], let id = token["id"]?.string, !id.isEmpty,
            id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        self.id = id
        projectID = token["tenant"]?["id"]?.string
        catalog = ServiceCatalog(v2: access["serviceCatalog"])
        life = Self.life(issued: token["issued_at"], expires: token["expires"], now: now)
    }

    private static func life(issued: JSONValue?, expires: JSONValue?, now: Timestamp) -> Duration? {
        guard let expires = expires?.string.flatMap({ Timestamp(parsing: $0) }) else { return nil }
        return expires - (issued?.string.flatMap { Timestamp(parsing: $0) } ?? now)
    }

    var description: String { "token of project \(projectID ?? "?")" }
    var customMirror: Mirror { Mirror(self, children: ["projectID": projectID ?? "?"]) }
}
