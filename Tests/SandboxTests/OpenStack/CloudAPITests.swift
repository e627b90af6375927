import HTTPKit
import Testing
import World

@testable import Sandbox

@Suite struct CloudAPITests {
    @Test func pagesOfServersJoinToTheWholeList() {
        var lab = CloudConfiguration.lab()
        lab.maximumPage = 3
        var fixture = CloudFixture(lab)
        for index in 0..<6 { _ = fixture.create("node\(index)") }
        var names: [String] = []
        var target = "/v2.1/servers?limit=100"
        var pages = 0
        while pages < 10 {
            let page = fixture.send(.nova, .get, target).json
            pages += 1
            names += (page["servers"]?.array ?? []).compactMap { $0["name"]?.string }
            guard let next = page["servers_links"]?.array?.first?["href"]?.string else { break }
            #expect(next.hasPrefix("http://127.0.0.1:8080/compute/v2.1/servers?limit=100&marker="))
            target = next.replacing("http://127.0.0.1:8080/compute", with: "")
        }
        // Two full pages, and an empty one, as Nova gives.
        #expect(pages == 3 && names.sorted() == (0..<6).map { "node\($0)" })
    }

    @Test func namesAreFilteredByRegularExpression() {
        var fixture = CloudFixture()
        for name in ["target001", "target001-b", "other"] { _ = fixture.create(name) }
        func names(_ pattern: String) -> [String] {
            let list = fixture.nova(.get, "/servers?name=" + URLText.escape(pattern)).json["servers"]?.array ?? []
            return list.compactMap { $0["name"]?.string }.sorted()
        }
        #expect(names("^target001$") == ["target001"])
        #expect(names(#"^target001\-b$"#) == ["target001-b"])
        #expect(names("target") == ["target001", "target001-b"])
        #expect(names("^(target001|OTHER)$") == ["other", "target001"])
        #expect(fixture.nova(.get, "/servers?name=(").status == 500)
    }

    @Test func changesSinceNamesTheDeleted() {
        var fixture = CloudFixture()
        let id = fixture.createActive("target001")
        _ = fixture.create("early")
        fixture.wait(.seconds(30))
        let since = fixture.now
        _ = fixture.nova(.delete, "/servers/\(id)")
        fixture.wait(.seconds(10))
        let list = fixture.nova(.get, "/servers/detail?changes-since=\(since.seconds)").json["servers"]?.array ?? []
        #expect(list.map { $0["status"]?.string } == ["DELETED"])
        #expect(list.first?["id"]?.string == id)
        #expect(fixture.nova(.get, "/servers/detail?changes-since=yesterday").status == 400)
    }

    @Test func quotasAreRefusedInTheServicesOwnWords() {
        var fixture = CloudFixture()
        var quotas = CloudQuotas()
        quotas.instances = 1
        quotas.volumes = 1
        fixture.cloud.setQuotas(quotas)
        _ = fixture.create("first")
        let refused = fixture.nova(.post, "/servers", fixture.wish("second"))
        #expect(refused.status == 403)
        #expect(refused.message == "Quota exceeded for instances: Requested 1, but already used 1 of 1 instances")
        _ = fixture.createVolume("first")
        let volume = fixture.cinder(.post, "/volumes", ["volume": ["size": 1]])
        #expect(volume.status == 413 && volume.headers["Retry-After"] == "0")
        #expect(volume.json["overLimit"]?["retryAfter"] == "0")
    }

    @Test func severalNetworksMustBeNamed() {
        var fixture = CloudFixture()
        fixture.cloud.add(
            CloudNetwork(id: fixture.cloud.newID(), name: "Second", subnet: fixture.cloud.newID(), cidr: "10.0.0.0/30"))
        #expect(fixture.nova(.post, "/servers", fixture.wish("a", ["networks": []])).status == 409)
        #expect(fixture.nova(.post, "/servers", fixture.wish("a")).status == 202)
    }

    @Test func anEmptyAddressPoolEndsTheBuild() {
        var fixture = CloudFixture(.lab(addresses: "10.0.0.0/30"))
        let first = fixture.createActive("first")
        let second = fixture.createActive("second")
        #expect(fixture.server(first)["addresses"]?["Ext-Net"]?.array?.first?["addr"] == "10.0.0.2")
        let message = fixture.server(second)["fault"]?["message"]?.string ?? ""
        #expect(message.contains("No fixed IP addresses available for network: \(fixture.network)"))
        #expect(fixture.nova(.delete, "/servers/\(first)").status == 204)
        fixture.wait(.seconds(5))
        let third = fixture.createActive("third")
        #expect(fixture.server(third)["status"] == "ACTIVE")
    }

    @Test func lockedAndForeignServersAreLeftAlone() {
        var fixture = CloudFixture()
        let id = fixture.createActive("target001")
        fixture.cloud.setLock(true, ofServer: id)
        #expect(fixture.nova(.delete, "/servers/\(id)").message == "Instance \(id) is locked")
        let foreign = fixture.cloud.addServer(
            named: "foreign", project: fixture.cloud.project(named: "other"), at: fixture.now)
        #expect(fixture.nova(.delete, "/servers/\(foreign ?? "")").status == 404)
        #expect(fixture.cloud.snapshot(at: fixture.now).servers.map(\.name) == ["foreign", "target001"])
    }

    @Test func identityV2AnswersWhereItIsSwitchedOn() {
        var lab = CloudConfiguration.lab()
        lab.identityV2 = true
        lab.regions = ["RegionOne", "RegionTwo"]
        var fixture = CloudFixture(lab, login: false)
        let body: JSONValue = [
            "auth": ["tenantName": "lab", "passwordCredentials": ["username": "cirrata", "password": "secret"]]
        ]
        let access = fixture.send(.keystone, .post, "/v2.0/tokens", body).json["access"]
        fixture.token = access?["token"]?["id"]?.string ?? ""
        #expect(fixture.nova(.get, "/servers").status == 200)
        let compute = access?["serviceCatalog"]?.array?.first { $0["type"] == "compute" }
        #expect(compute?["endpoints"]?.array?.map { $0["region"]?.string } == ["RegionOne", "RegionTwo"])
        #expect(access?["token"]?["expires"]?.string?.hasSuffix("Z") == true)
    }

    @Test func everyTokenNamesEachInterfaceInEachRegion() {
        var lab = CloudConfiguration.lab()
        lab.regions = ["GRA", "SBG"]
        var fixture = CloudFixture(lab)
        let catalog = fixture.send(.keystone, .get, "/v3/auth/catalog").json["catalog"]?.array ?? []
        #expect(
            catalog.compactMap { $0["type"]?.string }.sorted() == [
                "block-storage", "compute", "identity", "image", "network", "volumev3",
            ])
        for service in catalog {
            let pairs = (service["endpoints"]?.array ?? []).map {
                "\($0["region_id"]?.string ?? "") \($0["interface"]?.string ?? "")"
            }
            #expect(Set(pairs).count == 6 && pairs.count == 6)
        }
    }

    @Test func applicationCredentialsLogInByIdAndByName() {
        var fixture = CloudFixture()
        let user = fixture.cloud.configuration.users[0]
        let credential = fixture.cloud.addApplicationCredential(name: "ci", user: user.id, project: fixture.project)
        func login(_ wanted: JSONValue) -> Int {
            fixture.send(
                .keystone, .post, "/v3/auth/tokens",
                [
                    "auth": [
                        "identity": [
                            "methods": ["application_credential"], "application_credential": wanted,
                        ]
                    ]
                ]
            ).status
        }
        #expect(login(["id": .string(credential.id), "secret": .string(credential.secret)]) == 201)
        #expect(login(["id": .string(credential.id), "secret": "wrong"]) == 401)
        let byName: JSONValue = [
            "name": "ci", "secret": .string(credential.secret), "user": ["id": .string(user.id)],
        ]
        #expect(login(byName) == 201)
    }

    /// What a worker sends must fit; what Nova's schema refuses is refused (facts/openstack.md 1.4).
    @Test func theSchemaOfACreateIsChecked() {
        var fixture = CloudFixture()
        func status(_ extra: JSONObject) -> Int {
            fixture.nova(.post, "/servers", fixture.wish("a", extra)).status
        }
        #expect(status(["user_data": .string(String(repeating: "QUFB", count: 16_383))]) == 202)
        #expect(status(["user_data": .string(String(repeating: "QUFB", count: 16_384))]) == 400)
        #expect(status(["user_data": nil]) == 400)
        #expect(status(["metadata": ["bad/key": "x"]]) == 400)
        #expect(status(["metadata": ["a": .string(String(repeating: "x", count: 255))]]) == 202)
        #expect(status(["metadata": ["a": .string(String(repeating: "x", count: 256))]]) == 400)
        let many = Dictionary(uniqueKeysWithValues: (0..<129).map { ("k\($0)", JSONValue.string("v")) })
        #expect(status(["metadata": .object(JSONObject(many))]) == 403)
        #expect(status(["tags": ["a"]]) == 400)
        #expect(status(["availability_zone": "nowhere"]) == 400)
        #expect(status(["security_groups": [["name": "default"]]]) == 202)
    }

    /// `name`, `next` and `status` of Glance; `next` is a path to follow as it is.
    @Test func imagesArePagedNewestFirst() {
        var fixture = CloudFixture()
        var names: [String] = []
        var target: String? = "/v2/images?status=active&limit=4"
        while let next = target, names.count < 20 {
            let page = fixture.send(.glance, .get, next).json
            names += (page["images"]?.array ?? []).compactMap { $0["name"]?.string }
            target = page["next"]?.string
        }
        #expect(names.count == 9 && names.first == "Ubuntu 24.04" && names.last == "Windows Server 2022")
        #expect(fixture.send(.glance, .get, "/v2/images?name=Debian%2012").json["images"]?.array?.count == 1)
    }
}
