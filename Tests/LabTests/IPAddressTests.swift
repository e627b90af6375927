import Lab
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.8", "192.0.2.8"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::", "::"), ("::1", "::1"), ("2001:DB8::0001", "2001:db8::1"), ("1::", "1::"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"),
        ("::ffff:192.0.2.1", "::ffff:c000:201"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"),
    ])
    func readsAndWrites(text: String, written: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == written)
        #expect(IPAddress(written) == address)
    }

    @Test(arguments: [
        "", "192.0.2", "192.0.2.1.5", "192.0.2.256", "192.0.2.007", "192.0.2.", "3221225996", " 192.0.2.1", "0x1.0.0.1",
        "192.0.2.1,192.0.2.2", "192.0.2.１", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::", "12345::", "fe80::1%eth0", "g::", "+1::", "-1::", "::192.0.2.1:1", "192.0.2.1::", "::1 ",
    ])
    func refuses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("10.0.0.1", true), ("10.255.255.255", true), ("11.0.0.1", false), ("172.15.255.255", false),
        ("172.16.0.1", true), ("172.31.255.255", true), ("172.32.0.1", false), ("192.168.1.1", true),
        ("192.169.0.1", false), ("100.64.0.1", false), ("127.0.0.1", false), ("192.0.2.1", false),
        ("169.254.1.1", false), ("fd00::1", false),
    ])
    func privateMeansWhatLibcloudMeans(text: String, isPrivate: Bool) throws {
        #expect(try #require(IPAddress(text)).isPrivate == isPrivate)
    }
}
