import HTTPKit

/// `GET /sandbox/state`, and what is wrong with it.
struct LabState: Sendable {
    let json: JSONValue

    static let parking = "192.0.2.1"

    private func list(_ name: String) -> [JSONValue] { json[name]?.array ?? [] }

    var servers: [JSONValue] { list("servers") }
    var volumes: [JSONValue] { list("volumes") }
    var serversCreated: Int { json["servers_created"]?.integer ?? -1 }
    var volumesCreated: Int { json["volumes_created"]?.integer ?? -1 }

    func node(_ name: String) -> JSONValue? {
        list("nodes").first { $0["name"]?.string == "\(name).\(LabProcesses.domain)" }
    }

    /// What DNS says of a node: its addresses.
    func addresses(of name: String) -> [String] {
        let records = json["dns"]?["records"]?["\(name).\(LabProcesses.domain)"]?.array ?? []
        return records.compactMap { $0.string?.split(separator: " ").last.map(String.init) }
    }

    /// How many requests a service got.
    func requests(_ service: String) -> Int { json["requests"]?[service]?["total"]?.integer ?? 0 }

    var cloudRequests: Int {
        ["identity", "compute", "image", "network", "volume"].reduce(0) { $0 + requests($1) }
    }

    /// What is not as it must be around a node that was provisioned with so many volumes.
    func violations(provisioned name: String, volumes count: Int) -> [String] {
        var wrong: [String] = []
        let servers = servers.filter { $0["name"]?.string == name }
        let volumes = volumes.filter { $0["name"]?.string?.hasPrefix("\(name)_") == true }
        guard servers.count == 1, let server = servers.first else { return ["\(name) has \(servers.count) servers"] }
        if server["status"]?.string != "ACTIVE" { wrong.append("\(name) is \(server["status"]?.text ?? "")") }
        if volumes.compactMap({ $0["name"]?.string }) != (0..<count).map({ "\(name)_\($0)" }) {
            wrong.append("\(name) has the volumes \(volumes.compactMap { $0["name"]?.string })")
        }
        for volume in volumes where volume["status"]?.string != "in-use" || volume["server"] != server["id"] {
            wrong.append("volume \(volume.text)")
        }
        let attached = Set((server["volumes"]?.array ?? []).compactMap(\.string))
        if attached != Set(volumes.compactMap { $0["id"]?.string }) { wrong.append("\(name) holds \(attached)") }
        let addresses = server["addresses"]?.array ?? []
        if self.addresses(of: name) != addresses.compactMap({ $0["address"]?.string }) {
            wrong.append("DNS says \(self.addresses(of: name)), the server has \(addresses.map(\.text))")
        }
        let node = node(name)
        if node?["mac_address"]?.string == nil || node?["mac_address"] != addresses.first?["mac"] {
            wrong.append("paddles has the MAC \(node?["mac_address"]?.text ?? "")")
        }
        if node?["os_type"] != "ubuntu" || node?["os_version"] != "22.04" || node?["up"] != true {
            wrong.append("paddles says \(node?.text ?? "nothing")")
        }
        return wrong + claimViolations(name, node)
    }

    private func claimViolations(_ name: String, _ node: JSONValue?) -> [String] {
        let isHeld =
            node?["locked"] == true && node?["locked_by"]?.string == LabProcesses.owner
            && node?["description"]?.string == LabProcesses.lockDescription
        return isHeld ? [] : ["\(name) is not locked as it must be: \(node?.text ?? "")"]
    }

    /// What is left of a node that was destroyed and unlocked.
    func violations(destroyed name: String) -> [String] {
        var wrong: [String] = []
        let left = (servers + volumes).compactMap { $0["name"]?.string }.filter { $0.hasPrefix(name) }
        if !left.isEmpty { wrong.append("left: \(left)") }
        if addresses(of: name) != [Self.parking] { wrong.append("DNS says \(addresses(of: name))") }
        let node = node(name)
        for column in ["mac_address", "os_type", "os_version", "ssh_pub_key"] where node?[column]?.string != nil {
            wrong.append("paddles says \(column) \(node?[column]?.text ?? "")")
        }
        if node?["locked"] != false { wrong.append("\(name) is locked") }
        return wrong
    }
}
