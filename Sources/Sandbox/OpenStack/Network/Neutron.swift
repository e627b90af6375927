import HTTPKit
import OrderedCollections
import World

extension OpenStackCloud {
    mutating func neutron(_ call: CloudCall) throws(CloudFault) -> HTTPResponse {
        if call.path.isEmpty {
            let version: JSONValue = [
                "id": "v2.0", "status": "CURRENT",
                "links": [["rel": "self", "href": .string(endpoints.neutron + "/v2.0/")]],
            ]
            return HTTPResponse(
                status: 200, headers: ["Content-Type": "application/json"],
                body: JSONValue.object(["versions": [version]]).bytes)
        }
        guard call.path[0] == "v2.0" else { throw .unknownURL }
        let token = try token(of: call)
        let project = token.project ?? ""
        let missing = CloudFault.neutron(404, type: "HTTPNotFound", "The resource could not be found.")
        if call.method == .delete, call.path.count == 3, call.path[1] == "networks" {
            guard networks[call.path[2]] != nil else {
                throw .neutron(404, type: "NetworkNotFound", "Network \(call.path[2]) could not be found.")
            }
            throw .neutron(403, type: "PolicyNotAuthorized", "rule:delete_network is disallowed by policy")
        }
        guard call.method == .get, call.path.count >= 2 else { throw missing }
        let id = call.path.dropFirst(2).first
        switch (call.path[1], call.path.count) {
        case ("networks", 2):
            let visible = networks.values.filter { $0.project == nil || $0.project == project }
            return try list(
                "networks", visible.map { neutronNetwork($0) }, call,
                missing: ("NetworkNotFound", { "Network \($0) could not be found." }))
        case ("networks", 3):
            guard let network = id.flatMap({ networks[$0] }), network.project == nil || network.project == project
            else {
                throw .neutron(404, type: "NetworkNotFound", "Network \(id ?? "") could not be found.")
            }
            return call.answer(200, ["network": .object(neutronNetwork(network))])
        case ("security-groups", 2):
            let visible = securityGroups.values.filter { $0.project == project || $0.isShared }
            return try list(
                "security_groups", visible.map { neutronGroup($0) }, call,
                missing: ("SecurityGroupNotFound", { "Security group \($0) does not exist" }))
        case ("security-groups", 3):
            guard let group = id.flatMap({ securityGroups[$0] }), group.project == project else {
                throw .neutron(404, type: "SecurityGroupNotFound", "Security group \(id ?? "") does not exist")
            }
            return call.answer(200, ["security_group": .object(neutronGroup(group))])
        case ("ports", 2):
            let mine = ports.values.filter { $0.project == project }
            return try list(
                "ports", mine.map { neutronPort($0) }, call,
                missing: ("PortNotFound", { "Port \($0) could not be found." }))
        case ("ports", 3):
            guard let port = id.flatMap({ ports[$0] }), port.project == project else {
                throw .neutron(404, type: "PortNotFound", "Port \(id ?? "") could not be found.")
            }
            return call.answer(200, ["port": .object(neutronPort(port))])
        case ("quotas", 4) where call.path[3] == "details.json":
            return call.answer(200, ["quota": neutronQuota(project)])
        default: throw missing
        }
    }

    /// Any attribute filters, by equality; a name that comes again means "or". Pages only if a limit is given; sorting
    /// and `page_reverse` are not simulated.
    /// - Parameter missing: the class of the error for a marker that is not there, and its text.
    private func list(
        _ name: String, _ items: [JSONObject], _ call: CloudCall, missing: (String, (String) -> String)
    ) throws(CloudFault) -> HTTPResponse {
        let control: Set<String> = ["fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir"]
        let filters = call.query.filter { !control.contains($0.name) }
        let names = Set(filters.map(\.name))
        if let item = items.first {
            let unknown = filters.map(\.name).filter { item[$0] == nil }
            if !unknown.isEmpty {
                let list = unknown.map { "'\($0)'" }.joined(separator: ", ")
                throw .neutron(400, type: "HTTPBadRequest", "[\(list)] is invalid attribute for filtering")
            }
        }
        let found = items.filter { item in
            names.allSatisfy { name in
                guard let value = item[name] else { return true }
                let text = value.string ?? value.bool.map(String.init) ?? value.text
                return filters.contains { $0.name == name && $0.value.lowercased() == text.lowercased() }
            }
        }
        let fields = Set(call.query.filter { $0.name == "fields" }.map(\.value))
        func shown(_ items: some Sequence<JSONObject>) -> JSONValue {
            .array(items.map { .object(fields.isEmpty ? $0 : $0.filter { fields.contains($0.key) }) })
        }
        guard let limit = call.query.last(where: { $0.name == "limit" })?.value else {
            return call.answer(200, [name: shown(found)])
        }
        guard Int(limit).map({ $0 >= 0 }) == true else {
            throw .neutron(
                400, type: "BadRequest",
                "Bad limit request: Limit must be an integer 0 or greater and not '\(limit)'.")
        }
        if limit == "0" { return call.answer(200, [name: shown(found)]) }
        let page = try CloudPage(
            found, call, maximum: .max, id: { $0["id"]?.string ?? "" }, badLimit: CloudPage<Never>.commonLimit
        ) { marker in
            .neutron(404, type: missing.0, missing.1(marker))
        }
        return call.answer(200, [name: shown(page.items), name + "_links": links(page, call)])
    }

    /// The next page if this one is full, and always the one before.
    private func links(_ page: CloudPage<JSONObject>, _ call: CloudCall) -> JSONValue {
        let query = call.query.filter { $0.name != "marker" && $0.name != "page_reverse" }.map { ($0.name, $0.value) }
        func link(_ relation: String, _ more: [(String, String)]) -> JSONValue {
            let href = endpoints.neutron + call.rawPath + "?" + URLText.query(query + more)
            return ["rel": .string(relation), "href": .string(href)]
        }
        let first = page.items.first?["id"]?.string.map { [("marker", $0)] } ?? []
        var links: [JSONValue] = []
        if let next = page.next { links.append(link("next", [("marker", next)])) }
        return .array(links + [link("previous", first + [("page_reverse", "True")])])
    }

    private func neutronNetwork(_ network: CloudNetwork) -> JSONObject {
        let owner: JSONValue = .string(network.project ?? catalogIDs[2])
        return [
            "id": .string(network.id), "name": .string(network.name), "tenant_id": owner, "project_id": owner,
            "admin_state_up": true, "mtu": 1_500, "status": "ACTIVE", "subnets": [.string(network.subnet)],
            "shared": .bool(network.project == nil), "availability_zone_hints": [], "availability_zones": [],
            "ipv4_address_scope": nil, "ipv6_address_scope": nil, "router:external": false, "description": "",
            "port_security_enabled": true, "tags": [], "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:01Z", "revision_number": 2,
        ]
    }

    /// With the four rules that every new group has.
    private func neutronGroup(_ group: CloudSecurityGroup) -> JSONObject {
        let rules = [("IPv4", "ingress"), ("IPv6", "ingress"), ("IPv4", "egress"), ("IPv6", "egress")].enumerated()
            .map { index, rule -> JSONValue in
                [
                    "id": .string(String(group.id.dropLast()) + String(index)), "tenant_id": .string(group.project),
                    "project_id": .string(group.project), "security_group_id": .string(group.id),
                    "ethertype": .string(rule.0), "direction": .string(rule.1), "protocol": nil,
                    "port_range_min": nil, "port_range_max": nil, "remote_ip_prefix": nil,
                    "remote_address_group_id": nil, "normalized_cidr": nil,
                    "remote_group_id": rule.1 == "ingress" ? .string(group.id) : nil,
                    "standard_attr_id": .integer(10 + index), "description": nil, "tags": [],
                    "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "revision_number": 0,
                ]
            }
        return [
            "id": .string(group.id), "name": .string(group.name), "stateful": true,
            "tenant_id": .string(group.project), "project_id": .string(group.project),
            "description": .string(group.name == "default" ? "Default security group" : ""),
            "shared": .bool(group.isShared),
            "security_group_rules": .array(rules), "tags": [], "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z", "revision_number": 1,
        ]
    }

    private func neutronPort(_ port: CloudPort) -> JSONObject {
        let groups = servers[port.server]?.securityGroups ?? []
        let ids = groups.compactMap { name in
            securityGroups.values.first { $0.project == port.project && $0.name == name }.map {
                JSONValue.string($0.id)
            }
        }
        return [
            "id": .string(port.id), "name": "", "network_id": .string(port.network),
            "tenant_id": .string(port.project), "project_id": .string(port.project),
            "mac_address": .string(port.mac), "admin_state_up": true,
            "status": servers[port.server]?.state == .active ? "ACTIVE" : "DOWN", "device_id": .string(port.server),
            "device_owner": .string("compute:" + (servers[port.server]?.zone ?? zones.first ?? "nova")),
            "fixed_ips": [
                [
                    "subnet_id": .text(networks[port.network]?.subnet),
                    "ip_address": .string(CloudNetwork.text(port.address)),
                ]
            ],
            "allowed_address_pairs": [], "extra_dhcp_opts": [], "security_groups": .array(ids), "description": "",
            "binding:vnic_type": "normal", "port_security_enabled": true, "tags": [],
            "created_at": .string(port.created.seconds), "updated_at": .string(port.created.seconds),
            "revision_number": 4,
        ]
    }

    private func neutronQuota(_ project: String) -> JSONValue {
        let mine = ports.values.count { $0.project == project }
        let groups = securityGroups.values.count { $0.project == project }
        func row(_ limit: Int, _ used: Int) -> JSONValue {
            ["limit": .integer(limit), "used": .integer(used), "reserved": 0]
        }
        return [
            "network": row(100, 0), "subnet": row(100, 0), "subnetpool": row(-1, 0),
            "port": row((quotas[project] ?? configuration.quotas).ports, mine), "router": row(10, 0),
            "floatingip": row(50, 0), "rbac_policy": row(10, 0), "security_group": row(10, groups),
            "security_group_rule": row(100, groups * 4),
        ]
    }
}
