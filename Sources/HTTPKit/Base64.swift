/// Base64 (RFC 4648 section 4): Basic authentication, user data.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var held = 0
        func put(_ count: Int) {
            for index in 0..<4 {
                out.append(index < count ? alphabet[Int(group >> (18 - 6 * UInt32(index)) & 63)] : UInt8(ascii: "="))
            }
        }
        for byte in bytes {
            group |= UInt32(byte) << (16 - 8 * UInt32(held))
            held += 1
            if held == 3 {
                put(4)
                (group, held) = (0, 0)
            }
        }
        if held > 0 { put(held + 1) }
        return String(decoding: out, as: UTF8.self)
    }
}
