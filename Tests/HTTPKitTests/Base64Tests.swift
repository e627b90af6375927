import HTTPKit
import Testing

@Suite struct Base64Tests {
    /// RFC 4648 section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func vectors(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
    }

    @Test func everyLetterOfTheAlphabet() {
        let bytes: [UInt8] = (0..<48).map { place in
            let group = (0..<4).reduce(UInt32(0)) { $0 << 6 | UInt32(place / 3 * 4 + $1) }
            return UInt8(truncatingIfNeeded: group >> UInt32(16 - place % 3 * 8))
        }
        #expect(Base64.encode(bytes) == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    }
}
