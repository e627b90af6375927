import HTTPKit
import World

/// The Sandbox's own interface, below `/sandbox`:
///
/// | request | does |
/// | --- | --- |
/// | `GET /` | the state as a page |
/// | `GET /state` | the state as JSON |
/// | `GET /requests?after=N&limit=N` | the journal |
/// | `GET`, `POST`, `DELETE /faults`, `DELETE /faults/ID` | fault rules (`FaultRule+JSON`) |
/// | `POST /nodes` | adds nodes to paddles: a group as in the settings, or `{"names": […], "machine_type": …}` |
/// | `POST /control` | one command or a list of them (`SandboxCommand`) |
extension SandboxState {
    mutating func control(_ request: HTTPRequest, at now: Timestamp) -> HTTPResponse {
        do throws(SandboxMistake) {
            return try route(request, at: now)
        } catch {
            return Self.json(["error": .string(error.description)], status: 400)
        }
    }

    private mutating func route(_ request: HTTPRequest, at now: Timestamp) throws(SandboxMistake) -> HTTPResponse {
        let target = URLText.target(of: request.url)
        let parts = target.path.split(separator: "/").map(String.init)
        switch (request.method, parts.first ?? "", parts.count) {
        case (.get, "", _), (.head, "", _):
            return HTTPResponse(
                status: 200, headers: ["Content-Type": "text/html; charset=utf-8"],
                body: Array(StatePage.html(snapshot(at: now), journal.entries.suffix(30)).utf8))
        case (.get, "state", 1):
            return Self.json(snapshot(at: now))
        case (.get, "requests", 1):
            let items = URLText.items(of: target.query)
            func number(_ name: String) -> Int? { items.first { $0.name == name }.flatMap { Int($0.value) } }
            return Self.json(journal.json(after: number("after") ?? 0, limit: max(0, number("limit") ?? 1_000)))
        case (.get, "faults", 1):
            return Self.json(faults.json)
        case (.post, "faults", 1):
            let rules = try Self.list(try Self.body(request)).map { json throws(SandboxMistake) in
                try FaultRule(json: json)
            }
            return Self.json(["ids": .array(rules.map { .integer(faults.add($0)) })])
        case (.delete, "faults", 1):
            faults.removeAll()
            return Self.json([:])
        case (.delete, "faults", 2):
            guard let id = Int(parts[1]), faults.remove(id) else {
                return Self.json(["error": .string("there is no fault \(parts[1])")], status: 404)
            }
            return Self.json([:])
        case (.post, "nodes", 1):
            let names = try addNodes(try Self.body(request))
            return Self.json(["created": .array(names.map { .string($0) })])
        case (.post, "control", 1):
            var answers: [JSONValue] = []
            for json in Self.list(try Self.body(request)) {
                answers.append(try SandboxCommand(json: json).run(on: &self, at: now))
            }
            return Self.json(["done": .array(answers)])
        default:
            let text = "\(request.method.rawValue) /sandbox\(target.path) is not known here"
            return Self.json(["error": .string(text)], status: 404)
        }
    }

    private mutating func addNodes(_ json: JSONValue) throws(SandboxMistake) -> [String] {
        if json["names"] == nil {
            let group = try SandboxSettings.NodeGroup(json: json)
            return addNodes(group.names(in: settings.domain), type: group.machineType)
        }
        var fields = try JSONFields(json, of: "nodes")
        let names = try fields.texts("names") ?? []
        let type = try fields.text("machine_type")
        try fields.end()
        return addNodes(names, type: try fields.required(type, "machine_type"))
    }

    private mutating func addNodes(_ names: [String], type: String) -> [String] {
        for name in names where paddles.node(name) == nil {
            paddles.put(PaddlesNode(name: name, machineType: type, isVM: true, up: true))
        }
        return names
    }

    private static func body(_ request: HTTPRequest) throws(SandboxMistake) -> JSONValue {
        guard let json = try? JSONValue(parsing: request.body) else { throw SandboxMistake("the body is not JSON") }
        return json
    }

    private static func list(_ json: JSONValue) -> [JSONValue] { json.array ?? [json] }

    private static func json(_ value: JSONValue, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Content-Type": "application/json"], body: value.bytes + [0x0A])
    }
}
