import HTTPKit
import Testing
import World

@testable import Sandbox

@Suite struct CloudLifecycleTests {
    /// Recording 110 and its timeline: scheduling, nothing, networking, block_device_mapping, spawning, ACTIVE with an address.
    @Test func aServerIsBuiltInTheRecordedSteps() {
        var fixture = CloudFixture()
        let id = fixture.create("target001", ["metadata": ["cirrata_key": "k1"]])
        var seen: [String] = []
        for _ in 0..<250 {
            let server = fixture.server(id)
            let state = "\(server["status"]?.string ?? "") \(server["OS-EXT-STS:task_state"]?.string ?? "-")"
            if seen.last != state { seen.append(state) }
            if state.hasPrefix("BUILD") { #expect(server["addresses"]?.object?.isEmpty == true) }
            fixture.wait(.milliseconds(100))
        }
        #expect(
            seen == [
                "BUILD scheduling", "BUILD -", "BUILD networking", "BUILD block_device_mapping", "BUILD spawning",
                "ACTIVE -",
            ])
        let server = fixture.server(id)
        #expect(server["addresses"]?["Ext-Net"]?.array?.first?["addr"]?.string?.hasPrefix("203.0.113.") == true)
        #expect(server["metadata"] == ["cirrata_key": "k1"])
        #expect(server["OS-SRV-USG:launched_at"]?.string?.hasSuffix(".000000") == true)
    }

    @Test func aDeletedServerIsDeletingThenGoneAndFreesWhatItHeld() {
        var fixture = CloudFixture()
        let id = fixture.createActive("target001")
        let volume = fixture.createVolume("target001_0")
        fixture.wait(.seconds(3))
        #expect(fixture.attach(volume, to: id).status == 200)
        fixture.wait(.seconds(5))
        #expect(fixture.volume(volume)["status"] == "in-use")
        #expect(fixture.nova(.delete, "/servers/\(id)").status == 204)
        #expect(fixture.server(id)["OS-EXT-STS:task_state"] == "deleting")
        #expect(fixture.nova(.delete, "/servers/\(id)").status == 204)
        fixture.wait(.milliseconds(3_100))
        #expect(fixture.server(id)["status"] == "DELETED")
        #expect(fixture.nova(.get, "/servers").json["servers"] == [])
        fixture.wait(.seconds(1))
        #expect(fixture.nova(.get, "/servers/\(id)").status == 404)
        #expect(fixture.nova(.delete, "/servers/\(id)").status == 404)
        #expect(fixture.volume(volume)["status"] == "available")
        #expect(fixture.cinder(.delete, "/volumes/\(volume)").status == 202)
        #expect(fixture.volume(volume)["status"] == "deleting")
        fixture.wait(.seconds(2))
        #expect(fixture.cinder(.get, "/volumes/\(volume)").status == 404)
        let left = fixture.cloud.snapshot(at: fixture.now)
        #expect(left.servers.isEmpty && left.volumes.isEmpty && left.serversCreated == 1)
        #expect(fixture.send(.neutron, .get, "/v2.0/ports").json["ports"] == [])
    }

    /// Recordings 206 to 209 and 498.
    @Test func deletingWhileBuildingWaitsForTheHostAndIsAtOnceWithoutOne() {
        var fixture = CloudFixture()
        let early = fixture.create("early")
        #expect(fixture.nova(.delete, "/servers/\(early)").status == 204)
        #expect(fixture.nova(.get, "/servers/\(early)").status == 404)
        let late = fixture.create("late")
        fixture.wait(.seconds(5))
        #expect(fixture.nova(.delete, "/servers/\(late)").status == 204)
        #expect(fixture.server(late)["status"] == "BUILD")
        #expect(fixture.server(late)["OS-EXT-STS:task_state"] == "deleting")
        fixture.wait(.seconds(14))
        #expect(fixture.server(late)["status"] == "BUILD")
        fixture.wait(.seconds(2))
        #expect(fixture.server(late)["status"] == "ACTIVE")
        fixture.wait(.seconds(4))
        #expect(fixture.nova(.get, "/servers/\(late)").status == 404)
    }

    /// Recordings 225 to 245, 700.
    @Test func attachAndDetachGoThroughCindersStates() {
        var fixture = CloudFixture()
        let server = fixture.createActive("target001")
        let volume = fixture.createVolume("target001_0")
        #expect(fixture.attach(volume, to: server).status == 400)
        fixture.wait(.seconds(2))
        let attached = fixture.attach(volume, to: server).json["volumeAttachment"]
        #expect(attached?["device"] == "/dev/sdb" && attached?["id"]?.string == volume)
        var seen: [String] = []
        for _ in 0..<8 {
            seen.append(fixture.volume(volume)["status"]?.string ?? "")
            fixture.wait(.milliseconds(500))
        }
        #expect(
            seen == ["reserved", "reserved", "attaching", "attaching", "attaching", "attaching", "in-use", "in-use"])
        let shown = fixture.volume(volume)["attachments"]?.array?.first
        #expect(shown?["server_id"]?.string == server && shown?["host_name"] == .null)
        #expect(
            fixture.attach(volume, to: server).message?.hasSuffix("is already attached to instances: \(server)") == true
        )
        #expect(fixture.cinder(.delete, "/volumes/\(volume)").status == 400)
        let path = "/servers/\(server)/os-volume_attachments/\(volume)"
        #expect(fixture.nova(.delete, path).status == 202)
        #expect(fixture.volume(volume)["status"] == "detaching")
        #expect(fixture.nova(.delete, path).status == 400)
        fixture.wait(.seconds(2))
        #expect(fixture.volume(volume)["status"] == "available")
        #expect(fixture.nova(.delete, path).status == 404)
    }

    @Test func equalSeedsAndRequestsGiveEqualBytes() {
        func run(_ seed: UInt64) -> [HTTPResponse] {
            var lab = CloudConfiguration.lab(seed: seed)
            lab.timings.jitter = 0.3
            var fixture = CloudFixture(lab)
            var answers: [HTTPResponse] = []
            for index in 0..<5 {
                answers.append(fixture.nova(.post, "/servers", fixture.wish("node\(index)")))
                fixture.wait(.seconds(6))
                answers.append(fixture.nova(.get, "/servers/detail"))
                answers.append(fixture.cinder(.post, "/volumes", ["volume": ["size": 1]]))
            }
            return answers
        }
        #expect(run(7) == run(7))
        #expect(run(7) != run(8))
    }
}
