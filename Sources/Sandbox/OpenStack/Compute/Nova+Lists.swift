import HTTPKit
import OrderedCollections
import World

extension OpenStackCloud {
    mutating func listServers(_ call: CloudCall, _ token: CloudToken, detail: Bool) throws(CloudFault) -> HTTPResponse {
        let filter = try ServerFilter(call)
        // Newest first; within one second by id (recording 609).
        let found = servers.values.indices.filter { index in
            servers.values[index].project == token.project && filter.matches(servers.values[index])
        }.map { (created: servers.values[$0].created, id: servers.values[$0].id) }.sorted { a, b in
            a.created == b.created ? a.id < b.id : a.created > b.created
        }
        let page = try CloudPage(
            found, call, maximum: configuration.maximumPage, id: \.id, badLimit: CloudPage<Never>.novaLimit
        ) { marker in
            .api(400, "marker [\(marker)] not found")
        }
        var body = Array(#"{"servers":["#.utf8)
        // Taken out while it is added to: what is written reads the rest of the cloud.
        var rendered = RenderedServers()
        swap(&rendered, &self.rendered)
        for (id, server) in page.items.compactMap({ item in servers[item.id].map { (item.id, $0) } }) {
            if body.last != UInt8(ascii: "[") { body.append(UInt8(ascii: ",")) }
            if detail {
                rendered.append(server, call.version, to: &body) { novaServer(server, call, fault: false) }
            } else {
                let short: JSONValue = [
                    "id": .string(id), "name": .string(server.name), "links": novaLinks("servers", id),
                ]
                body += short.bytes
            }
        }
        swap(&rendered, &self.rendered)
        body.append(UInt8(ascii: "]"))
        if let links = page.links(call, root: endpoints.nova) {
            body += #","servers_links":"#.utf8
            body += links.bytes
        }
        body.append(UInt8(ascii: "}"))
        return HTTPResponse(status: 200, headers: call.headers(), body: body)
    }

    func listFlavors(_ call: CloudCall, detail: Bool) throws(CloudFault) -> HTTPResponse {
        let number = { (name: String) in call.query.first { $0.name == name }.flatMap { Int($0.value) } ?? 0 }
        let (disk, ram) = (number("minDisk"), number("minRam"))
        let found = flavors.values.filter { $0.disk >= disk && $0.ram >= ram }.sorted { $0.id < $1.id }
        let page = try CloudPage(
            found, call, maximum: configuration.maximumPage, id: \.id, badLimit: CloudPage<Never>.novaLimit
        ) { marker in
            .api(400, "marker [\(marker)] not found")
        }
        var body: JSONObject = [
            "flavors": .array(page.items.map { novaFlavor($0, call, detail: detail) })
        ]
        body["flavors_links"] = page.links(call, root: endpoints.nova)
        return call.answer(200, .object(body))
    }
}

/// The filters that Nova knows and the worker may send; every other one is ignored, as Nova does.
private struct ServerFilter {
    private var name: NamePattern?
    private var status: [String] = []
    private var changedSince: Timestamp?
    private var image: String?
    private var flavor: String?

    init(_ call: CloudCall) throws(CloudFault) {
        for (key, value) in call.query {
            switch key {
            case "name": name = try NamePattern(value)
            case "image": image = value
            case "flavor": flavor = value
            case "status":
                if value.uppercased() == "DELETED" {
                    throw .api(403, "Only administrators may list deleted instances")
                }
                status.append(value.uppercased())
            case "changes-since":
                guard let time = Timestamp(parsing: value) else {
                    throw .api(
                        400,
                        "Invalid input for query parameters changes-since. Value: \(value). '\(value)' is not a "
                            + "'date-time'")
                }
                changedSince = time
            case "all_tenants":
                let list = call.path.last == "detail" ? "detail" : "index"
                throw .api(
                    403, "Policy doesn't allow os_compute_api:servers:\(list):get_all_tenants to be performed.")
            default: break
            }
        }
    }

    /// A list of changes names the deleted too; any other list never does.
    func matches(_ server: CloudServer) -> Bool {
        if let changedSince {
            if server.updated < changedSince { return false }
        } else if server.isGone || server.state == .deleted || server.state == .softDeleted {
            return false
        }
        if !status.isEmpty, !status.contains(server.status) { return false }
        if let image, server.image != image { return false }
        if let flavor, server.flavor.id != flavor { return false }
        return name?.matches(server.name) ?? true
    }
}

/// `name=`: a regular expression that the database evaluates, anywhere in the name and without regard to case.
private struct NamePattern {
    private enum Form {
        case equal(String)
        case regex(Regex<AnyRegexOutput>)
    }

    private var form: Form

    init(_ text: String) throws(CloudFault) {
        if let literal = Self.anchoredLiteral(text) {
            form = .equal(literal)
            return
        }
        do {
            form = .regex(try Regex(text).ignoresCase())
        } catch {
            throw .api(
                500,
                "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova "
                    + "API log if possible.\n<class 'oslo_db.exception.DBError'>")
        }
    }

    func matches(_ name: String) -> Bool {
        switch form {
        case .equal(let literal): name.lowercased() == literal
        case .regex(let regex): name.firstMatch(of: regex) != nil
        }
    }

    /// `^target\-001$` is by far the most frequent pattern, and compiling an expression costs more than all the rest.
    private static func anchoredLiteral(_ text: String) -> String? {
        guard text.hasPrefix("^"), text.hasSuffix("$") else { return nil }
        var literal = ""
        var escaped = false
        for character in text.dropFirst().dropLast() {
            if escaped {
                guard character == "." || character == "-" || character == "_" else { return nil }
                literal.append(character)
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character.isASCII,
                character.isLetter || character.isNumber || character == "-" || character == "_"
            {
                literal.append(character)
            } else {
                return nil
            }
        }
        return escaped ? nil : literal.lowercased()
    }
}
