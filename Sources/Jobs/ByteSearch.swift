// The standard library's `firstRange(of:)` takes some three hundred times as long, and the reports of a bad night are
// hundreds of megabytes.
extension [UInt8] {
    /// Whether these bytes stand anywhere in it.
    package func mentions(_ needle: [UInt8]) -> Bool { end(of: needle) != nil }

    /// The index after the first place where these bytes stand.
    package func end(of needle: [UInt8]) -> Int? {
        guard let first = needle.first else { return 0 }
        return withUnsafeBufferPointer { all in
            var index = 0
            while index + needle.count <= all.count {
                if all[index] == first, needle.indices.allSatisfy({ all[index + $0] == needle[$0] }) {
                    return index + needle.count
                }
                index += 1
            }
            return nil
        }
    }
}
