/// Random numbers: the kernel's in production, a seed's in the Simulation.
package protocol RandomSource: Sendable {
    func next() -> UInt64
}

extension RandomSource {
    /// Uniform in 0..<1.
    package func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in zero...limit: full jitter.
    package func jitter(upTo limit: Duration) -> Duration {
        .nanoseconds(Int64(Double(max(0, limit.nanoseconds)) * fraction()))
    }

    /// A version 4 UUID (RFC 9562 section 5.4), lower case.
    package func uuid() -> String {
        let high = next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: digits - text.utf8.count) + text
        }
        return hex(high >> 32, 8) + "-" + hex(high >> 16 & 0xFFFF, 4) + "-" + hex(high & 0xFFFF, 4) + "-"
            + hex(low >> 48, 4) + "-" + hex(low & 0xFFFF_FFFF_FFFF, 12)
    }
}
