import FuzzTargets
import Glibc
import Testing

/// Every input of the fixed corpus: seeds made from recordings, and what fuzzing found.
@Suite struct CorpusTests {
    private static let corpus = #filePath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/Corpus"

    @Test(arguments: FuzzTarget.all)
    func holds(target: FuzzTarget) throws {
        let inputs = try Self.inputs(of: target)
        #expect(!inputs.isEmpty, "no input in \(Self.corpus)/\(target.name)")
        for input in inputs {
            #expect(throws: Never.self, "\(target.name)/\(input.name)") { try target.check(input.bytes) }
        }
    }

    @Test func everyFolderHasATarget() throws {
        #expect(try Self.names(in: Self.corpus) == FuzzTarget.all.map(\.name).sorted())
    }

    private struct Unreadable: Error {
        var path: String
    }

    private static func inputs(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = "\(corpus)/\(target.name)"
        return try names(in: folder).map { ($0, try bytes(of: "\(folder)/\($0)")) }
    }

    private static func names(in folder: String) throws -> [String] {
        guard let handle = opendir(folder) else { throw Unreadable(path: folder) }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func bytes(of path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw Unreadable(path: path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return bytes }
            bytes += buffer.prefix(count)
        }
    }
}
