#if canImport(Glibc)
    import Glibc
#endif

struct UnreadableFile: Error {
    var path: String
}

/// A file of the repository. Tests may block.
func readText(_ path: String) throws -> String {
    guard let file = fopen(path, "rb") else { throw UnreadableFile(path: path) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += buffer[..<count]
    }
}
