import HTTPKit

/// The body of `POST /servers`, checked by Nova's schema; what it names is looked up later.
struct ServerWish {
    var name: String
    var flavor: String
    var image: String?
    /// nil: not said, or said as `auto`; empty also means not said.
    var networks: [Network]?
    /// nil: not said, and then it is the project's default, as with none.
    var securityGroups: [String]?
    var userData: String?
    var metadata: [String: String] = [:]
    var zone: String?
    var keyName: String?
    var configDrive = false
    var rootVolume: RootVolume?
    var count = 1
    var returnsReservation = false

    struct Network {
        var id: String?
        var port: String?
        var fixedAddress: String?
    }

    struct RootVolume: Sendable, Hashable {
        var image: String?
        var volume: String?
        var size: Int
        var deleteOnTermination: Bool
    }

    private static let known: Set<String> = [
        "name", "flavorRef", "imageRef", "networks", "security_groups", "user_data", "metadata", "availability_zone",
        "key_name", "config_drive", "block_device_mapping", "block_device_mapping_v2", "adminPass", "accessIPv4",
        "accessIPv6", "min_count", "max_count", "return_reservation_id", "OS-DCF:diskConfig",
    ]

    init(_ call: CloudCall) throws(CloudFault) {
        let body = try call.json(orElse: "Malformed request body")
        guard body.object != nil else { throw .api(400, "Malformed request body") }
        guard let wish = body["server"] else { throw .api(400, "'server' is a required property") }
        guard let members = wish.object else { throw Self.invalid("server", wish, "is not of type 'object'") }
        var known = Self.known
        if !call.isAtLeast(2, 57) { known.insert("personality") }
        if call.isAtLeast(2, 19) { known.insert("description") }
        if call.isAtLeast(2, 52) { known.insert("tags") }
        if call.isAtLeast(2, 63) { known.insert("trusted_image_certificates") }
        if call.isAtLeast(2, 74) { known.formUnion(["host", "hypervisor_hostname"]) }
        if call.isAtLeast(2, 90) { known.insert("hostname") }
        let unknown = members.keys.filter { !known.contains($0) }.sorted()
        if !unknown.isEmpty {
            let names = unknown.map { "'\($0)'" }.joined(separator: ", ")
            throw Self.invalid(
                "server", wish,
                said: "Additional properties are not allowed (\(names) \(unknown.count == 1 ? "was" : "were") "
                    + "unexpected)")
        }
        for key in ["name", "flavorRef"] + (call.isAtLeast(2, 37) ? ["networks"] : []) where members[key] == nil {
            throw Self.invalid("server", wish, said: "'\(key)' is a required property")
        }
        name = try Self.text("name", members["name"] ?? nil, 1...255)
        if name.first?.isWhitespace == true || name.last?.isWhitespace == true {
            throw .api(
                400,
                "An invalid 'name' value was provided. The name must be: printable characters. Can not start or end "
                    + "with whitespace.")
        }
        flavor = members["flavorRef"]?.integer.map(String.init) ?? ""
        if flavor.isEmpty { flavor = try Self.text("flavorRef", members["flavorRef"] ?? nil, 1...255) }
        try readImage(members)
        try readNetworks(members, isNewer: call.isAtLeast(2, 37))
        try readMetadata(members)
        try readUserData(members)
        try readRootVolume(members)
        if let groups = members["security_groups"]?.array {
            var names: [String] = []
            for group in groups { names.append(try Self.text("name", group["name"] ?? nil, 0...255)) }
            securityGroups = names
        }
        if let value = members["availability_zone"], !value.isNull {
            zone = try Self.text("availability_zone", value, 1...255)
        }
        if let value = members["key_name"], !value.isNull { keyName = try Self.text("key_name", value, 1...255) }
        configDrive = members["config_drive"]?.bool ?? false
        count = max(members["max_count"]?.integer ?? 1, members["min_count"]?.integer ?? 1, 1)
        returnsReservation = members["return_reservation_id"]?.bool ?? false
    }

    private mutating func readImage(_ members: JSONObject) throws(CloudFault) {
        guard let value = members["imageRef"] else { return }
        guard let text = value.string, text.isEmpty || isUUID(text) else {
            throw Self.invalid("imageRef", value, "is not valid under any of the given schemas")
        }
        image = text.isEmpty ? nil : text
    }

    private mutating func readNetworks(_ members: JSONObject, isNewer: Bool) throws(CloudFault) {
        switch members["networks"] {
        case nil: break
        case .string("auto") where isNewer: break
        case .string("none") where isNewer: networks = []
        case .array(let list):
            var wanted: [Network] = []
            for entry in list {
                guard entry.object != nil else { throw Self.invalid("networks", entry, "is not of type 'object'") }
                let network = Network(
                    id: entry["uuid"]?.string, port: entry["port"]?.string, fixedAddress: entry["fixed_ip"]?.string)
                if let id = network.id, !isUUID(id) {
                    throw .api(400, "Bad networks format: network uuid is not in proper format (\(id))")
                }
                wanted.append(network)
            }
            // An empty list is no wish (teuthology sends one when nothing matches).
            networks = wanted.isEmpty ? nil : wanted
        case .some(let other): throw Self.invalid("networks", other, "is not of type 'array'")
        }
    }

    private mutating func readMetadata(_ members: JSONObject) throws(CloudFault) {
        guard let value = members["metadata"] else { return }
        guard let entries = value.object else { throw Self.invalid("metadata", value, "is not of type 'object'") }
        for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
            guard Self.isMetadataKey(key) else {
                throw Self.invalid(
                    "metadata", members["metadata"] ?? nil,
                    said: "'\(key)' does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'")
            }
            metadata[key] = try Self.text(key, value, 0...255)
        }
    }

    private mutating func readUserData(_ members: JSONObject) throws(CloudFault) {
        guard let value = members["user_data"] else { return }
        guard let text = value.string else { throw Self.invalid("user_data", value, "is not of type 'string'") }
        guard Self.isBase64(text) else { throw Self.invalid("user_data", value, "is not a 'base64'") }
        guard text.utf8.count <= 65_535 else { throw Self.invalid("user_data", value, "is too long") }
        userData = text
    }

    private mutating func readRootVolume(_ members: JSONObject) throws(CloudFault) {
        guard let root = members["block_device_mapping_v2"]?.array?.first(where: { $0["boot_index"]?.integer == 0 })
        else {
            if image == nil { throw .api(400, "Missing imageRef attribute") }
            return
        }
        guard root["destination_type"]?.string == "volume" else { return }
        let isVolume = root["source_type"]?.string == "volume"
        rootVolume = RootVolume(
            image: isVolume ? nil : root["uuid"]?.string, volume: isVolume ? root["uuid"]?.string : nil,
            size: root["volume_size"]?.integer ?? 1, deleteOnTermination: root["delete_on_termination"]?.bool ?? false)
    }

    /// A text of that many characters, or Nova's words for what is wrong with it.
    static func text(
        _ field: String, _ value: JSONValue, _ length: ClosedRange<Int>
    ) throws(CloudFault) -> String {
        guard let text = value.string else { throw invalid(field, value, "is not of type 'string'") }
        if text.unicodeScalars.count < length.lowerBound { throw invalid(field, value, "is too short") }
        if text.unicodeScalars.count > length.upperBound { throw invalid(field, value, "is too long") }
        return text
    }

    static func invalid(_ field: String, _ value: JSONValue, _ what: String) -> CloudFault {
        invalid(field, value, said: "\(value.pythonText) \(what)")
    }

    static func invalid(_ field: String, _ value: JSONValue, said: String) -> CloudFault {
        // Python writes a text in `{}` without quotes, everything else as `repr` does.
        .api(400, "Invalid input for field/attribute \(field). Value: \(value.string ?? value.pythonText). \(said)")
    }

    static func isMetadataKey(_ key: String, orSlash: Bool = false) -> Bool {
        (1...255).contains(key.utf8.count)
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"),
                    UInt8(ascii: "."), UInt8(ascii: " "):
                    true
                case UInt8(ascii: "/"): orSlash
                default: false
                }
            }
    }

    /// As Python's `b64decode` does by default: what is no digit is passed over, only the padding has to be right.
    private static func isBase64(_ text: String) -> Bool {
        var padding = 0
        var digits = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                digits += 1
            case UInt8(ascii: "="): padding += 1
            default: break
            }
        }
        return digits % 4 == 0 || digits % 4 + padding >= 4 && digits % 4 != 1
    }
}
