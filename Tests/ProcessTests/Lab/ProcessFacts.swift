import EventLoop
import Glibc

/// What /proc says of a process (proc(5)).
struct ProcessFacts: Sendable {
    let id: Int32

    /// Every process that can be seen.
    static var all: [ProcessFacts] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [ProcessFacts] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let id = Int32(name) { found.append(ProcessFacts(id: id)) }
        }
        return found
    }

    /// Its arguments, separated by spaces; empty when it is gone.
    var commandLine: String {
        String(decoding: read("cmdline").map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    /// Everything that others can read of how it was started.
    var start: String { commandLine + String(decoding: read("environ"), as: UTF8.self) }

    var parent: Int32 { fields.count > 1 ? Int32(fields[1]) ?? 0 : 0 }

    /// Processor time that it has used.
    var processorTime: Duration {
        guard fields.count > 12, let user = Int64(fields[11]), let system = Int64(fields[12]) else { return .zero }
        return .milliseconds((user + system) * 1_000 / Int64(sysconf(Int32(_SC_CLK_TCK))))
    }

    /// KiB of memory that is its own or shared.
    var residentKiB: Int {
        guard fields.count > 21, let pages = Int(fields[21]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE)) / 1_024
    }

    /// Of `stat`, from the state on, which follows the name in parentheses.
    private var fields: [Substring] {
        let text = String(decoding: read("stat"), as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return [] }
        return text[text.index(after: end)...].split(separator: " ")
    }

    private func read(_ name: String) -> [UInt8] {
        let descriptor = open("/proc/\(id)/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count <= 0 { return bytes }
            bytes += buffer.prefix(count)
        }
    }
}
