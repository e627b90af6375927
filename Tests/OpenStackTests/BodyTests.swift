import FoundationEssentials
import HTTPKit
import Testing
import World

@testable import OpenStack

@Suite struct BodyTests {
    @Test func nothingIsSentThatIsNotSet() {
        let body = NewServer(name: "target001", imageID: "i", flavorID: "f").body.text
        #expect(body == #"{"server":{"flavorRef":"f","imageRef":"i","name":"target001"}}"#)
    }

    @Test func everythingThatIsSet() {
        let body = NewServer(
            name: "n", imageID: "i", flavorID: "f", networkIDs: ["a", "b"], securityGroups: ["default"],
            userData: Array("#cloud-config\n".utf8), metadata: ["cirrata_key": "k"], zone: "z", keyName: "key",
            configDrive: true
        ).body["server"]
        #expect(body?["networks"] == [["uuid": "a"], ["uuid": "b"]])
        #expect(body?["security_groups"] == [["name": "default"]])
        #expect(body?["user_data"] == "I2Nsb3VkLWNvbmZpZwo=")
        #expect(body?["metadata"] == ["cirrata_key": "k"])
        #expect(body?["availability_zone"] == "z")
        #expect(body?["key_name"] == "key")
        #expect(body?["config_drive"] == true)
        #expect(NewServer(name: "n", imageID: "i", flavorID: "f", networkIDs: []).body["server"]?["networks"] == [])
    }

    @Test func userDataLimitIsWhatFitsInBase64() {
        #expect(Data(count: NewServer.userDataLimit).base64EncodedString().count <= 65_535)
        #expect(Data(count: NewServer.userDataLimit + 1).base64EncodedString().count > 65_535)
    }

    @Test func loginBodies() {
        let secret = CloudSecret { "s" }
        let byName = CloudCredential.password(
            user: Principal(name: "u", domainName: "Default"), password: secret,
            project: Principal(name: "p", domainID: "default"))
        #expect(
            LoginRequest.v3(byName, secret: "s").text
                == #"{"auth":{"identity":{"methods":["password"],"password":{"user":{"domain":{"name":"Default"},"name":"u","password":"s"}}},"scope":{"project":{"domain":{"id":"default"},"name":"p"}}}}"#
        )
        #expect(
            LoginRequest.v2(byName, secret: "s")?.text
                == #"{"auth":{"passwordCredentials":{"password":"s","username":"u"},"tenantName":"p"}}"#)
        let application = CloudCredential.applicationCredential(Principal(id: "i"), user: nil, secret: secret)
        #expect(
            LoginRequest.v3(application, secret: "s").text
                == #"{"auth":{"identity":{"application_credential":{"id":"i","secret":"s"},"methods":["application_credential"]}}}"#
        )
        #expect(LoginRequest.v2(application, secret: "s") == nil)
    }

    @Test func secretsShowNowhere() {
        let credential = CloudCredential.password(
            user: Principal(name: "u"), password: CloudSecret { "hunter2" }, project: Principal(name: "p"))
        let session = Session(
            token: "gAAAA", projectID: "p", catalog: ServiceCatalog(endpoints: []), endpoints: [:], generation: 1)
        var dumped = ""
        dump(credential, to: &dumped)
        dump(session, to: &dumped)
        dumped += "\(credential) \(session) \(String(reflecting: session))"
        #expect(!dumped.contains("hunter2"))
        #expect(!dumped.contains("gAAAA"))
    }
}

@Suite struct ServerDecodingTests {
    private func server(_ json: String) throws -> OpenStack.Server {
        try OpenStack.Server(json: JSONValue(parsing: Array(json.utf8)))
    }

    @Test func aServerAsNovaShowsIt() throws {
        let server = try server(
            #"""
            {"id": "db55", "name": "target001", "status": "ACTIVE", "metadata": {"owner": "me"},
             "image": {"id": "img"}, "flavor": {"id": "fl"}, "created": "2026-11-22T15:42:54Z",
             "addresses": {"b-net": [{"version": 6, "addr": "::1"}], "Ext-Net": [{"version": 4, "addr": "10.20.2.93",
               "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:cb:45:02"}]},
             "OS-EXT-STS:task_state": null, "OS-EXT-STS:vm_state": "active", "OS-EXT-AZ:availability_zone": "nova",
             "os-extended-volumes:volumes_attached": [{"id": "v1"}], "config_drive": "True", "progress": 0}
            """#)
        #expect(server.status == .active)
        #expect(server.addresses.map(\.address) == ["::1", "10.20.2.93"])
        #expect(server.addresses.last?.mac == "fa:16:3e:cb:45:02")
        #expect(server.zone == "nova")
        #expect(server.volumeIDs == ["v1"])
        #expect(server.created == Timestamp(parsing: "2026-11-22T15:42:54Z"))
        #expect(!server.isDeleting)
    }

    @Test func whatMayBeMissingMayBeMissing() throws {
        let bare = try server(#"{"id": "1"}"#)
        #expect(bare.status == .other("UNKNOWN") && bare.addresses.isEmpty && bare.metadata.isEmpty)
        let booted = try server(
            #"{"id": "1", "status": "ERROR", "image": "", "flavor": {"original_name": "x"}, "addresses": {}, "fault": {"code": 500, "message": "No valid host was found. "}}"#
        )
        #expect(booted.fault?.kind == .noValidHost)
        let deleting = try server(#"{"id": "1", "status": "ACTIVE", "OS-EXT-STS:task_state": "deleting"}"#)
        #expect(deleting.isDeleting)
    }

    @Test func readsAServerWhoseUnneededFieldsAreOdd() throws {
        let server = try server(
            #"""
            {"id": "1", "name": "n", "status": "ACTIVE", "created": 5, "fault": "x", "OS-EXT-AZ:availability_zone": [],
             "os-extended-volumes:volumes_attached": [null, {"id": "v"}], "flavor": 7, "image": false,
             "metadata": {"cirrata_key": "k", "count": 3, "gone": null},
             "addresses": {"net": [{"addr": "192.0.2.8", "version": "4", "OS-EXT-IPS:type": null}]}}
            """#)
        #expect(server.metadata == ["cirrata_key": "k", "count": "3"])
        #expect(server.addresses == [ServerAddress(address: "192.0.2.8")])
        #expect(server.volumeIDs == ["v"])
        #expect(server.created == nil && server.zone == nil)
    }

    /// Who has an address, and whose a server is, must not be guessed.
    @Test(arguments: [
        #"{"id": "1", "addresses": {"a": [], "net": [{"addr": 5}]}}"#, #"{"id": "1", "metadata": [1]}"#,
        #"{"id": "1", "status": 5}"#, #"{"name": "n"}"#, "null",
    ])
    func refusesAServerThatCannotBeTold(json: String) {
        #expect(throws: JSONError.self) { try server(json) }
    }
}
