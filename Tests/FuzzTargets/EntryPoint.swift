import Glibc

/// Chosen once, by `FUZZ_TARGET`: one program holds all targets.
private let chosen: FuzzTarget = {
    let wanted = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.all.first(where: { $0.name == wanted }) else {
        write(2, "FUZZ_TARGET must be one of \(FuzzTarget.all.map(\.name).joined(separator: ", "))\n")
        exit(2)
    }
    return target
}()

private func write(_ descriptor: Int32, _ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
}

/// What libFuzzer calls for each input; it takes the abort for a crash and keeps the input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    do {
        try chosen.check(Array(UnsafeBufferPointer(start: data, count: count)))
    } catch {
        write(2, "\n\(chosen.name): \(error)\n")
        abort()
    }
    return 0
}
