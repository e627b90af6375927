import HTTPKit
import Testing
import World

@testable import Sandbox

/// What a real cloud (Zed) answered and the Sandbox did not, found by asking both the same
/// (ops/openstack/suite/contract.py).
@Suite struct CloudRefusalTests {
    @Test(arguments: [
        ("limit=-1", "limit param must be positive"), ("limit=x", "limit param must be an integer"),
    ])
    func limitsAreRefusedInTheServicesOwnWords(_ query: String, _ words: String) {
        var fixture = CloudFixture()
        #expect(fixture.cinder(.get, "/volumes/detail?\(query)").message == words)
        #expect(fixture.send(.glance, .get, "/v2/images?\(query)").message?.hasPrefix(words) == true)
        let value = query.dropFirst(6)
        #expect(
            fixture.nova(.get, "/servers/detail?\(query)").message
                == "Invalid input for query parameters limit. Value: \(value). '\(value)' does not match '^[0-9]*$'")
        #expect(
            fixture.send(.neutron, .get, "/v2.0/networks?\(query)").message
                == "Bad limit request: Limit must be an integer 0 or greater and not '\(value)'.")
    }

    @Test func networksArePagedWhenALimitIsGiven() {
        var fixture = CloudFixture()
        let all = fixture.send(.neutron, .get, "/v2.0/networks").json["networks"]?.array ?? []
        #expect(fixture.send(.neutron, .get, "/v2.0/networks?limit=0").json["networks"]?.array?.count == all.count)
        var ids: [String] = []
        var target = "/v2.0/networks?limit=1"
        for _ in 0...all.count {
            let page = fixture.send(.neutron, .get, target).json
            ids += (page["networks"]?.array ?? []).compactMap { $0["id"]?.string }
            let links = page["networks_links"]?.array ?? []
            #expect(links.last?["rel"]?.string == "previous")
            guard let next = links.first(where: { $0["rel"]?.string == "next" })?["href"]?.string else { break }
            target = next.replacing("http://127.0.0.1:8080/network", with: "")
        }
        #expect(!all.isEmpty && ids == all.compactMap { $0["id"]?.string })
        #expect(fixture.send(.neutron, .get, "/v2.0/networks?limit=1&marker=x").status == 404)
    }

    @Test func neutronShowsFieldsAndRefusesUnknownFilters() {
        var fixture = CloudFixture()
        let networks = fixture.send(.neutron, .get, "/v2.0/networks?fields=id&fields=name").json["networks"]?.array
        #expect(networks?.first?.object?.keys.sorted() == ["id", "name"])
        #expect(
            fixture.send(.neutron, .get, "/v2.0/networks?nonsense=1&rubbish=2").message
                == "['nonsense', 'rubbish'] is invalid attribute for filtering")
    }

    @Test func glanceNamesTheMarkerAndTheVisibility() {
        var fixture = CloudFixture()
        let marker = fixture.send(.glance, .get, "/v2/images?marker=x")
        #expect(marker.status == 400 && marker.message?.hasPrefix("No image found with ID x") == true)
        let visibility = fixture.send(.glance, .get, "/v2/images?visibility=nonsense")
        #expect(visibility.status == 400 && visibility.message?.hasPrefix("Invalid visibility value: nonsense") == true)
    }

    @Test func aServersNameAndNetworkAreRefusedInNovasWords() {
        var fixture = CloudFixture()
        func message(_ extra: JSONObject) -> String? {
            fixture.nova(.post, "/servers", fixture.wish("a", extra)).message
        }
        for name in ["wish ", " "] {
            #expect(
                message(["name": .string(name)])
                    == "An invalid 'name' value was provided. The name must be: printable characters. Can not start or "
                    + "end with whitespace.")
        }
        #expect(
            message(["networks": [["uuid": "Ext-Net"]]])
                == "Bad networks format: network uuid is not in proper format (Ext-Net)")
    }

    /// The answer repeats the wish; what the server then has is the project's default.
    @Test func anEmptyListOfSecurityGroupsIsRepeated() {
        var fixture = CloudFixture()
        let answer = fixture.nova(.post, "/servers", fixture.wish("a", ["security_groups": []])).json["server"]
        #expect(answer?["security_groups"]?.array?.isEmpty == true)
        fixture.wait(.seconds(30))
        let groups = fixture.server(answer?["id"]?.string ?? "")["security_groups"]?.array ?? []
        #expect(groups.map { $0["name"]?.string } == ["default"])
    }

    /// Python's decoder passes over what is no digit.
    @Test(arguments: [("*", 202), ("QUFB", 202), ("QUF", 400), ("QUF=", 202), ("Q", 400), ("Q===", 400)])
    func userDataIsReadAsPythonDoes(_ text: String, _ status: Int) {
        var fixture = CloudFixture()
        #expect(fixture.nova(.post, "/servers", fixture.wish("a", ["user_data": .string(text)])).status == status)
    }

    @Test func volumesAreRefusedInCindersWords() {
        var fixture = CloudFixture()
        func message(_ wish: JSONObject) -> String? {
            fixture.cinder(.post, "/volumes", ["volume": .object(wish)]).message
        }
        #expect(
            message(["size": 1, "metadata": ["": "v"]])
                == "Invalid input for field/attribute metadata. Value: {'': 'v'}. '' does not match any of the regexes: "
                + "'^[a-zA-Z0-9-_:. /]{1,255}$'")
        #expect(message(["size": 1, "metadata": ["a/b": "v"]]) == nil)
        #expect(
            message(["size": "x"])
                == "Invalid input for field/attribute size. Value: x. 'x' does not match '^[0-9]+$'")
        #expect(
            message(["size": nil])
                == "The server could not comply with the request since it is either malformed or otherwise incorrect.")
        #expect(
            message(["size": 1, "name": .string(String(repeating: "n", count: 256))])
                == "Invalid input received: name has 256 characters, more than 255.")
    }

    @Test func attachingTwiceIsRefusedFromTheFirstMomentOn() {
        var fixture = CloudFixture()
        let server = fixture.createActive("a")
        let volume = fixture.createVolume("v")
        #expect(
            fixture.attach(volume, to: server).message?.hasPrefix(
                "Invalid input received: Invalid volume: Volume \(volume) status must be available or downloading to "
                    + "reserve, but the current status is creating. (HTTP 400)") == true)
        fixture.wait(.seconds(30))
        #expect(fixture.attach(volume, to: server).status == 200)
        #expect(
            fixture.attach(volume, to: server).message
                == "Invalid volume: volume \(volume) is already attached to instances: \(server)")
    }

    @Test func whatIsDetachedMustExist() {
        var fixture = CloudFixture()
        let server = fixture.createActive("a")
        let volume = "00000000-0000-4000-8000-000000000000"
        let answer = fixture.nova(.delete, "/servers/\(server)/os-volume_attachments/\(volume)")
        #expect(answer.status == 404 && answer.message == "Volume \(volume) could not be found.")
    }

    @Test func attachmentsAreListedInBriefAndOnlyInTheirMicroversion() {
        var fixture = CloudFixture()
        let server = fixture.createActive("a")
        let volume = fixture.createVolume("v")
        fixture.wait(.seconds(30))
        _ = fixture.attach(volume, to: server)
        fixture.wait(.seconds(30))
        let path = "/v3/\(fixture.project)/attachments"
        let list = fixture.send(.cinder, .get, path, headers: ["OpenStack-API-Version": "volume 3.27"])
        let first = list.json["attachments"]?.array?.first
        #expect(first?.object?.keys.sorted() == ["id", "instance", "status", "volume_id"])
        let old = fixture.cinder(.get, "/attachments/\(first?["id"]?.string ?? "")")
        #expect(old.status == 404 && old.json["itemNotFound"]?["message"]?.string == "The resource could not be found.")
    }

    @Test func anActionOnWhatIsGoneIsToldFromOneOnWhatNeverWas() {
        var fixture = CloudFixture()
        let server = fixture.createActive("a")
        _ = fixture.nova(.delete, "/servers/\(server)")
        fixture.wait(.seconds(30))
        let console: JSONValue = ["os-getConsoleOutput": ["length": 5]]
        #expect(
            fixture.nova(.post, "/servers/\(server)/action", console).message
                == "Instance \(server) could not be found.")
        let never = "00000000-0000-4000-8000-000000000000"
        #expect(
            fixture.nova(.post, "/servers/\(never)/action", console).message
                == "Instance \(never) has no mapping to a cell.")
    }
}
