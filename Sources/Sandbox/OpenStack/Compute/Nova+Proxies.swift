import HTTPKit
import OrderedCollections
import World

/// What Nova passes on from other services to clients older than 2.36. teuthology's backend (libcloud with
/// `api_version` unset) knows nothing else; the worker asks the services themselves.
extension OpenStackCloud {
    static let proxies: Set<String> = ["images", "os-networks", "os-security-groups", "os-floating-ips"]

    func novaProxy(_ call: CloudCall, _ token: CloudToken, _ kind: String, _ rest: [String]) throws(CloudFault)
        -> HTTPResponse
    {
        if call.isAtLeast(2, 36) { throw .api(404, "The resource could not be found.") }
        switch (kind, rest.first) {
        case ("images", nil), ("images", "detail"):
            let shown = images.values.filter { !$0.isHidden }.sorted { a, b in
                a.created == b.created ? a.id > b.id : a.created > b.created
            }
            return call.answer(200, ["images": .array(shown.map { novaImage($0, detail: rest.first == "detail") })])
        case ("images", .some(let id)):
            guard let image = images[id] else { throw .api(404, "Image \(id) could not be found.") }
            return call.answer(200, ["image": novaImage(image, detail: true)])
        case ("os-networks", nil):
            let visible = networks.values.filter { $0.project == nil || $0.project == token.project }
            return call.answer(200, ["networks": .array(visible.map(Self.novaNetwork))])
        case ("os-security-groups", nil):
            let mine = securityGroups.values.filter { $0.project == token.project }
            return call.answer(200, ["security_groups": .array(mine.map(Self.novaGroup))])
        case ("os-floating-ips", nil): return call.answer(200, ["floating_ips": []])
        default: throw .unknownURL
        }
    }

    private func novaImage(_ image: CloudImage, detail: Bool) -> JSONValue {
        let alternate: JSONValue = [
            "rel": "alternate", "type": "application/vnd.openstack.image",
            "href": .string("\(endpoints.glance)/images/\(image.id)"),
        ]
        var body: JSONObject = [
            "id": .string(image.id), "name": .text(image.name),
            "links": .array((novaLinks("images", image.id).array ?? []) + [alternate]),
        ]
        if detail {
            body["minRam"] = .integer(image.minimumRAM)
            body["minDisk"] = .integer(image.minimumDisk)
            body["metadata"] = ["os_distro": .string(image.distribution), "os_version": .string(image.release)]
            body["created"] = .string(image.created.seconds)
            body["updated"] = .string(image.created.seconds)
            body["status"] = .string(image.status == "active" ? "ACTIVE" : "SAVING")
            body["progress"] = .integer(image.status == "active" ? 100 : 25)
            body["OS-EXT-IMG-SIZE:size"] = 1_024
        }
        return .object(body)
    }

    private static func novaNetwork(_ network: CloudNetwork) -> JSONValue {
        [
            "id": .string(network.id), "label": .string(network.name), "cidr": nil, "netmask": nil, "gateway": nil,
            "broadcast": nil, "dns1": nil, "dns2": nil, "cidr_v6": nil, "gateway_v6": nil, "netmask_v6": nil,
        ]
    }

    private static func novaGroup(_ group: CloudSecurityGroup) -> JSONValue {
        let rules = (0..<2).map { index -> JSONValue in
            [
                "id": .string(String(group.id.dropLast()) + String(index)), "parent_group_id": .string(group.id),
                "ip_protocol": nil, "from_port": nil, "to_port": nil,
                "group": ["name": .string(group.name), "tenant_id": .string(group.project)], "ip_range": [:],
            ]
        }
        return [
            "id": .string(group.id), "name": .string(group.name), "tenant_id": .string(group.project),
            "description": .string(group.name == "default" ? "Default security group" : ""), "rules": .array(rules),
        ]
    }
}
