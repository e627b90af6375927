import HTTPKit
import Testing

@testable import OpenStack

@Suite struct AuthURLTests {
    @Test(
        arguments: [
            ("https://auth.cloud.ovh.net", "https://auth.cloud.ovh.net", nil),
            ("https://auth.cloud.ovh.net/", "https://auth.cloud.ovh.net", nil),
            ("https://auth.cloud.ovh.net/v2.0/tokens", "https://auth.cloud.ovh.net", .v2),
            ("https://auth.cloud.ovh.net/v2.0/", "https://auth.cloud.ovh.net", .v2),
            ("https://auth.cloud.ovh.net/v3", "https://auth.cloud.ovh.net", .v3),
            ("https://auth.cloud.ovh.net/v3/auth/tokens", "https://auth.cloud.ovh.net", .v3),
            ("http://stack:5000/identity/v3/", "http://stack:5000/identity", .v3),
            ("http://stack/identity", "http://stack/identity", nil),
            ("http://stack/identity/v3/auth/tokens/", "http://stack/identity", .v3),
        ] as [(String, String, IdentityVersion?)])
    func everyFormHasOneRoot(text: String, root: String, version: IdentityVersion?) {
        let url = AuthURL(parsing: text)
        #expect(url.root == root)
        #expect(url.named == version)
    }
}

@Suite struct EndpointURLTests {
    @Test(
        arguments: [
            (.compute, "http://h:8774/v2.1", "http://h:8774/v2.1"),
            (.compute, "http://h:8774/v2.1/", "http://h:8774/v2.1"),
            (.compute, "http://h:8774/v2/P", "http://h:8774/v2/P"),
            (.compute, "http://h:8774", "http://h:8774/v2.1"),
            (.compute, "http://h/compute/", "http://h/compute/v2.1"),
            (.compute, "http://h:8774/v2.1/%(tenant_id)s", "http://h:8774/v2.1/P"),
            (.image, "http://h:9292", "http://h:9292/v2"),
            (.image, "http://h:9292/v2/", "http://h:9292/v2"),
            (.image, "http://h/image/v1", "http://h/image/v2"),
            (.network, "http://h:9696/", "http://h:9696/v2.0"),
            (.network, "http://h:9696/v2.0", "http://h:9696/v2.0"),
            (.blockStorage, "http://h:8776/v3/P", "http://h:8776/v3/P"),
            (.blockStorage, "http://h:8776/v3", "http://h:8776/v3/P"),
            (.blockStorage, "http://h:8776", "http://h:8776/v3/P"),
            (.blockStorage, "http://h:8776/v2/{project_id}", "http://h:8776/v2/P"),
        ] as [(OpenStackService, String, String)])
    func isBroughtIntoOneForm(service: OpenStackService, url: String, normalised: String) {
        #expect(EndpointURL.normalised(url, for: service, projectID: "P") == normalised)
    }
}

@Suite struct ServiceCatalogTests {
    private func entry(
        _ type: String, _ region: String, _ url: String, name: String = "x", interface: EndpointInterface = .public
    ) -> ServiceCatalog.Endpoint {
        ServiceCatalog.Endpoint(type: type, name: name, region: region, interface: interface, url: url)
    }

    private func settings(region: String? = nil, _ change: (inout CloudSettings) -> Void = { _ in }) -> CloudSettings {
        var settings = CloudSettings(
            provider: "ovh", authURL: "http://k",
            credential: .token(CloudSecret { "" }, project: Principal(id: "P")), region: region)
        change(&settings)
        return settings
    }

    @Test func regionAndInterfaceDecide() throws {
        let catalog = ServiceCatalog(endpoints: [
            entry("compute", "GRA11", "http://gra/v2.1", interface: .internal),
            entry("compute", "GRA11", "http://gra/"),
            entry("compute", "SBG5", "http://sbg"), entry("compute", "GRA11", "http://gra"),
        ])
        #expect(try catalog.url(of: .compute, in: settings(region: "GRA11")) == "http://gra")
        #expect(
            try catalog.url(of: .compute, in: settings(region: "GRA11") { $0.interface = .internal })
                == "http://gra/v2.1")
    }

    @Test func blockStorageHasManyNames() throws {
        for type in ["volumev3", "volumev2", "volume", "block-storage"] {
            #expect(
                try ServiceCatalog(endpoints: [entry(type, "R", "http://c")]).url(of: .blockStorage, in: settings())
                    == "http://c")
        }
        let both = ServiceCatalog(endpoints: [entry("volumev2", "R", "http://2"), entry("volumev3", "R", "http://3")])
        #expect(try both.url(of: .blockStorage, in: settings()) == "http://3")
    }

    @Test func severalOrNoneIsAnErrorThatNamesThem() {
        let catalog = ServiceCatalog(endpoints: [entry("compute", "A", "http://a"), entry("compute", "B", "http://b")])
        #expect(throws: ServiceCatalog.NoEndpoint.self) { try catalog.url(of: .compute, in: settings()) }
        do {
            _ = try catalog.url(of: .compute, in: settings(region: "C"))
            #expect(Bool(false), "there is no region C")
        } catch {
            #expect(error.message.contains("in region C"))
            #expect(error.message.contains("A/public http://a"))
        }
        do {
            _ = try catalog.url(of: .image, in: settings())
            #expect(Bool(false), "there is no image service")
        } catch {
            #expect(error.message.contains("only the types compute"))
        }
    }

    @Test func oldCatalogsHoldAllInterfacesInOneObject() throws {
        let json = try JSONValue(
            parsing: Array(
                #"""
                [{"type": "compute", "name": "nova", "endpoints_links": [], "endpoints": [
                  {"region": "GRA1", "publicURL": "http://p/v2/T", "internalURL": "http://i/v2/T", "id": "1"}]}]
                """#.utf8))
        let catalog = ServiceCatalog(v2: json)
        #expect(catalog.endpoints.count == 2)
        #expect(try catalog.url(of: .compute, in: settings(region: "GRA1")) == "http://p/v2/T")
    }
}
