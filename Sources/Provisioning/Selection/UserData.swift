import OpenStack
package import YAMLKit

/// The cloud-init document of a server, by teuthology's rules (facts/teuthology.md section 4, "Userdata").
package enum UserData {
    /// The file that it touches at the end: the node is set up.
    package static let sentinel = "/.teuth_provisioned"

    private static let defaultPackages = ["git", "wget", "python", "ntp"]
    private static let user = "ubuntu"

    /// - Parameters:
    ///   - userdata: the provider's `userdata`, a mapping keyed `TYPE-VERSION`.
    ///   - hostname: the FQDN.
    ///   - authorizedKeys: `ssh.authorized_keys`, appended as teuthology appends its user's key.
    /// - Returns: `#cloud-config` and YAML with sorted keys.
    /// - Throws: `SelectionError`, cause `bad-userdata`.
    package static func compose(
        userdata: Node?, osType: String, osVersion: String, hostname: String, authorizedKeys: [String]
    ) throws(SelectionError) -> String {
        let key = "\(osType)-\(osVersion)"
        let path = "userdata.\(key)"
        var document = try base(userdata, key, path)
        document["user"] = .string(user)
        if document["manage_etc_hosts"] == nil {
            document["manage_etc_hosts"] = .boolean(true)
            document["hostname"] = .string(hostname)
        }
        let commands = try list(document["runcmd"], "\(path).runcmd")
        document["runcmd"] = .list(
            commands + [.strings(["passwd", "-d", user]), .strings(["touch", sentinel])])
        if !authorizedKeys.isEmpty {
            let keys = try list(document["ssh_authorized_keys"], "\(path).ssh_authorized_keys")
            document["ssh_authorized_keys"] = .list(keys + authorizedKeys.map { .string($0) })
        }
        let text = "#cloud-config\n" + YAMLWriter.write(Node(.mapping(document)), sortKeys: true)
        let packed = NewServer.packed(Array(text.utf8)).count
        guard packed <= NewServer.userDataLimit else {
            throw problem(
                "the user data for \(key) has \(packed) bytes even when compressed; Nova takes \(NewServer.userDataLimit)",
                next: "shorten \(path)")
        }
        return text
    }

    private static func base(_ userdata: Node?, _ key: String, _ path: String) throws(SelectionError) -> Mapping {
        guard let provided = userdata?[key] else {
            var mapping = Mapping()
            mapping["packages"] = .strings(defaultPackages)
            return mapping
        }
        guard let mapping = provided.mapping else {
            throw problem("\(path) is \(provided.summary); expected a mapping", next: "correct or remove \(path)")
        }
        return mapping
    }

    private static func list(_ node: Node?, _ path: String) throws(SelectionError) -> [Node] {
        guard let node else { return [] }
        guard let items = node.sequence else {
            throw problem("\(path) is \(node.summary); expected a list", next: "correct \(path)")
        }
        return items
    }

    private static func problem(_ message: String, next: String) -> SelectionError {
        SelectionError("bad-userdata", .configuration, message, next: "\(next) in the configuration")
    }
}
