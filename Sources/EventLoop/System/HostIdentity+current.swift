import CLinux
import Glibc
package import World

extension HostIdentity {
    /// This process, with the environment as it is now.
    package static func current() -> HostIdentity {
        var name = [CChar](repeating: 0, count: 256)
        // Cut names are not terminated, hence one byte less.
        gethostname(&name, name.count - 1)
        let text = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return HostIdentity(
            name: String(decoding: text, as: UTF8.self), process: getpid(), environment: environment())
    }

    private static func environment() -> [String: String] {
        var found: [String: String] = [:]
        var entry = clinux_environment()
        while let line = entry?.pointee {
            let parts = String(cString: line).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // The first of equal names is the one that getenv finds.
            if parts.count == 2, found[String(parts[0])] == nil { found[String(parts[0])] = String(parts[1]) }
            entry = entry?.successor()
        }
        return found
    }
}
