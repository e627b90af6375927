import World

/// The environment, and the files that references name, read before the configuration is resolved.
struct SecretStore {
    private let environment: [String: String]
    private var files: [String: Result<Secret, SecretFailure>] = [:]

    init(environment: [String: String]) { self.environment = environment }

    /// Reads a file for later `resolve`s.
    mutating func load(_ path: String, _ fileSystem: any FileSystem) async {
        guard files[path] == nil else { return }
        do {
            files[path] = .success(try await Self.read(path, fileSystem))
        } catch let failure as SecretFailure {
            files[path] = .failure(failure)
        } catch {
            files[path] = .failure(SecretFailure(reference: .file(path), problem: "\(error)"))
        }
    }

    func resolve(_ reference: SecretReference) -> Result<Secret, SecretFailure> {
        switch reference {
        case .inline(let text): return .success(Secret(text, from: reference))
        case .environment(let name):
            guard let text = environment[name], !text.isEmpty else {
                return .failure(
                    SecretFailure(reference: reference, problem: "no such variable in the environment, or it is empty"))
            }
            return .success(Secret(text, from: reference))
        case .file(let path):
            return files[path] ?? .failure(SecretFailure(reference: reference, problem: "was not read"))
        }
    }

    /// - Throws: `SecretFailure`; `CancellationError`.
    static func read(_ path: String, _ files: any FileSystem) async throws -> Secret {
        let reference = SecretReference.file(path)
        let bytes: [UInt8]
        do {
            bytes = try await files.read(path, limit: 1 << 16)
        } catch let failure as FileFailure {
            throw SecretFailure(reference: reference, problem: failure.detail)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SecretFailure(reference: reference, problem: "is not UTF-8 text")
        }
        // Editors and `echo` end a file with a newline that is no part of the secret.
        let trimmed = text.trimming(suffix: "\r\n").trimming(suffix: "\n")
        guard !trimmed.isEmpty else { throw SecretFailure(reference: reference, problem: "is empty") }
        return Secret(trimmed, from: reference)
    }
}
