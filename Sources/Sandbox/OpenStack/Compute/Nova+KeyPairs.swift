import HTTPKit
import OrderedCollections
import World

struct CloudKeyPair: Sendable {
    var name: String
    var publicKey: String
    var fingerprint: String
    var number: Int
    var created: Timestamp
}

extension OpenStackCloud {
    mutating func keyPairs(_ call: CloudCall, _ token: CloudToken, _ rest: [String]) throws(CloudFault) -> HTTPResponse
    {
        switch (call.method, rest.count) {
        case (.get, 0):
            let list = keyPairs.values.map { ["keypair": .object(Self.keyPair($0))] as JSONValue }
            return call.answer(200, ["keypairs": .array(list)])
        case (.post, 0): return try createKeyPair(call, token)
        case (.get, 1):
            var body = Self.keyPair(try keyPair(rest[0], token))
            body["user_id"] = .string(token.user)
            body["id"] = .integer(keyPairs[rest[0]]?.number ?? 0)
            body["created_at"] = .text(keyPairs[rest[0]]?.created.column)
            body["deleted"] = false
            body["deleted_at"] = nil as JSONValue
            body["updated_at"] = nil as JSONValue
            return call.answer(200, ["keypair": .object(body)])
        case (.delete, 1):
            _ = try keyPair(rest[0], token)
            keyPairs[rest[0]] = nil
            return call.empty(202)
        default: throw .unknownURL
        }
    }

    private func keyPair(_ name: String, _ token: CloudToken) throws(CloudFault) -> CloudKeyPair {
        guard let pair = keyPairs[name] else {
            throw .api(404, "Keypair \(name) not found for user \(token.user)")
        }
        return pair
    }

    private mutating func createKeyPair(_ call: CloudCall, _ token: CloudToken) throws(CloudFault) -> HTTPResponse {
        let body = try call.json(orElse: "Malformed request body")
        let name = try ServerWish.text("name", body["keypair"]?["name"] ?? nil, 1...255)
        if keyPairs[name] != nil { throw .api(409, "Key pair '\(name)' already exists.") }
        let sent = body["keypair"]?["public_key"]?.string
        let pair = addKeyPair(name, publicKey: sent ?? "ssh-rsa \(random.letters(372)) Generated-by-Nova", at: call.now)
        var answer = Self.keyPair(pair)
        answer["user_id"] = .string(token.user)
        if sent == nil { answer["private_key"] = .string("-----BEGIN PRIVATE KEY-----\n\(random.letters(64))\n") }
        return call.answer(200, ["keypair": .object(answer)])
    }

    /// - Returns: the new pair; its fingerprint is made up.
    @discardableResult
    mutating func addKeyPair(_ name: String, publicKey: String, at now: Timestamp) -> CloudKeyPair {
        let digits = Array(random.hex32())
        let fingerprint = stride(from: 0, to: 32, by: 2).map { String(digits[$0..<$0 + 2]) }.joined(separator: ":")
        let pair = CloudKeyPair(
            name: name, publicKey: publicKey, fingerprint: fingerprint, number: keyPairs.count + 1, created: now)
        keyPairs[name] = pair
        return pair
    }

    private static func keyPair(_ pair: CloudKeyPair) -> JSONObject {
        [
            "name": .string(pair.name), "public_key": .string(pair.publicKey),
            "fingerprint": .string(pair.fingerprint),
        ]
    }
}
