import EventLoop
import Glibc
import World

/// A person's own editor, on a text that nobody else may see.
struct TextEditor {
    /// As a shell reads it, so with options: `code --wait`.
    let command: String

    /// What $VISUAL or else $EDITOR names, and vi where they name nothing.
    init(_ environment: [String: String]) {
        command = ["VISUAL", "EDITOR"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "vi"
    }

    /// Lets the person edit a copy of the text. It is in a folder of its own (0700), where editors put their copies, too,
    /// and all of that is gone when this returns. Blocks; not for a loop.
    /// - Throws: `Complaint` when the editor cannot be started or does not end well; `FileFailure`.
    func edit(_ text: [UInt8], named name: String) throws -> [UInt8] {
        try withPrivateFolder { folder in
            let path = "\(folder)/\(name)"
            try Self.create(path, text)
            let end: ChildResult.End
            do {
                // Ctrl-C is the editor's: the shell around it must not end before it.
                end = try runInForeground("/bin/sh", ["-c", "trap : INT QUIT; \(command) \"$@\"", command, path])
            } catch {
                throw Complaint("\(error): nothing was done")
            }
            switch end {
            case .exited(0): return try Self.read(path)
            case .exited(let status): throw Complaint("the editor (\(command)) ended with \(status): nothing was done")
            case .signalled(let number):
                throw Complaint("the editor (\(command)) was ended by signal \(number): nothing was done")
            }
        }
    }

    private func withPrivateFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let parent = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/cirrata-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Self.failure(parent) }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { Self.clear(folder) }
        return try body(folder)
    }

    /// Editors leave backup and swap files, and nothing deeper.
    private static func clear(_ folder: String) {
        if let entries = opendir(folder) {
            while let entry = readdir(entries) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { unlink("\(folder)/\(name)") }
            }
            closedir(entries)
        }
        if rmdir(folder) != 0 {
            Terminal.errors.line("cirrata: warning: \(folder) stays: \(String(cString: strerror(errno)))")
        }
    }

    private static func create(_ path: String, _ text: [UInt8]) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(0o600))
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var start = 0
        while start < text.count {
            let count = text.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: start), $0.count - start)
            }
            guard count >= 0 || errno == EINTR else { throw failure(path) }
            start += max(0, count)
        }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        return try InputText.read(descriptor, named: path)
    }

    private static func failure(_ path: String) -> FileFailure {
        FileFailure(reason: .system, path: path, detail: String(cString: strerror(errno)))
    }
}

/// Texts that come as a whole through a descriptor.
enum InputText {
    /// No job's body is larger: the broker's limit is 64 KB unless it was raised, and ours twice that.
    static let limit = 1 << 17

    /// Standard input, to its end.
    static func standardInput() throws -> [UInt8] { try read(STDIN_FILENO, named: "standard input") }

    static func read(_ descriptor: Int32, named name: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            guard count > 0 || errno == EINTR else {
                throw FileFailure(reason: .system, path: name, detail: String(cString: strerror(errno)))
            }
            bytes += buffer.prefix(max(0, count))
            guard bytes.count <= limit else {
                throw FileFailure(reason: .tooLarge, path: name, detail: "more than \(limit) bytes")
            }
        }
    }
}
