import Configuration
import World
import YAMLKit

/// Files of a test, with their permission bits.
struct MemoryFiles: FileSystem {
    struct File: Sendable {
        var text: String
        var mode: UInt16 = 0o600
        var denied = false
    }

    let files: Locked<[String: File]>

    init(_ files: [String: String] = [:], mode: UInt16 = 0o600) {
        self.files = Locked(files.mapValues { File(text: $0, mode: mode) })
    }

    func set(_ path: String, _ file: File) { files.withLock { $0[path] = file } }

    func read(_ path: String, limit: Int) async throws -> [UInt8] {
        guard let file = files.withLock({ $0[path] }) else {
            throw FileFailure(reason: .missing, path: path, detail: "no such file")
        }
        if file.denied { throw FileFailure(reason: .denied, path: path, detail: "permission denied") }
        guard file.text.utf8.count <= limit else {
            throw FileFailure(reason: .tooLarge, path: path, detail: "larger than \(limit) bytes")
        }
        return Array(file.text.utf8)
    }

    func write(_ path: String, _ bytes: [UInt8], mode: UInt16) async throws {
        set(path, File(text: String(decoding: bytes, as: UTF8.self), mode: mode))
    }

    func permissions(_ path: String) async throws -> UInt16? { files.withLock { $0[path]?.mode } }
    func isOnlyOurs(_ path: String) async throws -> Bool? { try await permissions(path).map { $0 & 0o022 == 0 } }
    func modified(_ path: String) async throws -> Timestamp? { nil }
    func createFolder(_ path: String) async throws {}
    func remove(_ path: String) async throws { files.withLock { $0[path] = nil } }
}

struct FixedRandom: RandomSource {
    func next() -> UInt64 { 1 << 40 }
}

/// Loads `text` as /etc/cirrata/worker.yaml with other files and variables around it.
func load(
    _ text: String, path: String = "/etc/cirrata/worker.yaml", files: [String: String] = [:],
    environment: [String: String] = [:]
) async throws -> ConfigurationLoader.Loaded {
    let system = MemoryFiles(files.merging([path: text]) { _, own in own })
    return try await ConfigurationLoader(
        environment: environment.merging(["HOME": "/home/op"]) { own, _ in own }, files: system,
        random: FixedRandom()
    ).load(path)
}

/// The errors of a configuration that must not load.
func errors(
    _ text: String, path: String = "w.yaml", files: [String: String] = [:], environment: [String: String] = [:]
) async throws -> [String] {
    do {
        _ = try await load(text, path: path, files: files, environment: environment)
        return []
    } catch let error as InvalidConfiguration {
        return error.errors.map(\.description)
    }
}

/// A whole configuration with these keys, as far as they do not name providers themselves.
func lab(_ keys: String) -> String { keys.contains("libcloud") ? keys : "\(keys)\n\(ovh)" }

/// A provider that logs in, below which further keys of it may be written (indented by six).
let ovh = """
    nsupdate_url: http://nsupdate.lab/update
    libcloud:
      providers:
        ovh:
          driver: openstack
          driver_args:
            username: 'my_ovh_username'
            password: 'my_ovh_password'
            ex_force_auth_url: 'https://auth.cloud.ovh.net/v2.0/tokens'
            ex_force_auth_version: '2.0_password'
            ex_tenant_name: 'my_tenant_name'
            ex_force_service_region: 'my_region'

    """
