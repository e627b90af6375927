import Beanstalk
import Testing
import World

@Suite struct BrokerAddressTests {
    @Test(arguments: [
        ("broker", Endpoint.tcp(host: "broker", port: 11_300)),
        ("broker:1", .tcp(host: "broker", port: 1)),
        ("broker.front.example.com:65535", .tcp(host: "broker.front.example.com", port: 65_535)),
        ("tcp://10.0.0.1:11300", .tcp(host: "10.0.0.1", port: 11_300)),
        ("tcp://broker", .tcp(host: "broker", port: 11_300)),
        ("[::1]:11300", .tcp(host: "::1", port: 11_300)),
        ("[::1]", .tcp(host: "::1", port: 11_300)),
        ("tcp://[fe80::1%eth0]:7", .tcp(host: "fe80::1%eth0", port: 7)),
        ("::1", .tcp(host: "::1", port: 11_300)),
        ("unix:/run/beanstalkd.sock", .unix(path: "/run/beanstalkd.sock")),
        ("unix:///run/beanstalkd.sock", .unix(path: "/run/beanstalkd.sock")),
    ])
    func whatPeopleWrite(_ text: String, _ endpoint: Endpoint) throws {
        #expect(try BrokerAddress.parse(text) == endpoint)
    }

    @Test(arguments: [
        ("", "empty"), ("tcp://", "host is missing"), (":11300", "host is missing"), ("broker:", "no port"),
        ("broker:0", "no port"), ("broker:65536", "no port"), ("broker:+1", "no port"), ("broker:1a", "no port"),
        ("http://broker", "only 'tcp://'"), ("broker:11300/", "no port"), ("bro ker", "neither a host name"),
        ("user@broker", "neither a host name"), ("[::1", "']' is missing"), ("[broker]:1", "IPv6"),
        ("[::1]1", "only ':port'"), ("unix:run/x", "begin with '/'"), ("unix:", "begin with '/'"),
        ("unix:/" + String(repeating: "x", count: 107), "at most 107 bytes"),
        (String(repeating: "x", count: 254), "neither a host name"),
    ])
    func whatCannotBeMeant(_ text: String, _ reason: String) {
        let error = #expect(throws: InvalidBrokerAddress.self) { try BrokerAddress.parse(text) }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }
}
