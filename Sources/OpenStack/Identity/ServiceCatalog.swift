import HTTPKit

/// Which endpoints a token may use (facts/openstack.md 1.1, 1.2).
struct ServiceCatalog: Sendable, Hashable {
    struct Endpoint: Sendable, Hashable {
        var type: String
        var name: String
        var region: String
        /// Nil of what is listed, but cannot be used.
        var interface: EndpointInterface?
        var url: String?
    }

    var endpoints: [Endpoint]

    init(endpoints: [Endpoint]) {
        self.endpoints = endpoints
    }

    /// One object per interface. The key is missing in an unscoped token.
    init(v3 catalog: JSONValue?) {
        endpoints = (catalog?.array ?? []).flatMap { service in
            (service["endpoints"]?.array ?? []).map { endpoint in
                Endpoint(
                    type: service["type"]?.string ?? "", name: service["name"]?.string ?? "",
                    region: endpoint["region_id"]?.string ?? endpoint["region"]?.string ?? "",
                    interface: endpoint["interface"]?.string.flatMap(EndpointInterface.init(rawValue:)),
                    url: endpoint["url"]?.string)
            }
        }
    }

    /// One object per region, with a URL per interface.
    init(v2 catalog: JSONValue?) {
        endpoints = (catalog?.array ?? []).flatMap { service in
            (service["endpoints"]?.array ?? []).flatMap { endpoint in
                EndpointInterface.allCases.compactMap { interface in
                    guard let url = endpoint["\(interface.rawValue)URL"]?.string else { return nil }
                    return Endpoint(
                        type: service["type"]?.string ?? "", name: service["name"]?.string ?? "",
                        region: endpoint["region"]?.string ?? "", interface: interface, url: url)
                }
            }
        }
    }

    /// False only where the catalog names other services in our region, and none of this kind for whatever interface.
    func offers(_ service: OpenStackService, in settings: CloudSettings) -> Bool {
        let here = endpoints.filter { endpoint in
            settings.region.map { $0 == endpoint.region } ?? true || endpoint.region.isEmpty
        }
        return here.isEmpty || settings.overrides[service] != nil
            || here.contains { service.catalogTypes.contains($0.type) }
    }

    /// Why there is not exactly one endpoint, with what there is instead.
    struct NoEndpoint: Error, Hashable {
        var message: String
    }

    /// The one URL for a service. Several entries with one URL are one (facts/openstack.md section 3, 22).
    /// - Throws: `NoEndpoint`.
    func url(of service: OpenStackService, in settings: CloudSettings) throws(NoEndpoint) -> String {
        let override = settings.override(service)
        let types = override.type.map { [$0] } ?? service.catalogTypes
        let region = override.region ?? settings.region
        let interface = override.interface ?? settings.interface
        for type in types {
            var urls: [String] = []
            for endpoint in endpoints
            where endpoint.type == type && endpoint.interface == interface
                && (region.map { $0 == endpoint.region } ?? true) && (override.name.map { $0 == endpoint.name } ?? true)
            {
                guard let url = endpoint.url.map(EndpointURL.trimmed), !urls.contains(url) else { continue }
                urls.append(url)
            }
            if urls.count == 1 { return urls[0] }
            if urls.count > 1 {
                throw NoEndpoint(
                    message: "the catalog has \(urls.count) \(interface.rawValue) endpoints for \(type)"
                        + (region.map { " in region \($0)" } ?? " and no region is configured") + ": "
                        + candidates(of: types))
            }
        }
        throw NoEndpoint(
            message: "the catalog has no \(interface.rawValue) endpoint for \(types.joined(separator: ", "))"
                + (region.map { " in region \($0)" } ?? "") + (override.name.map { " named \($0)" } ?? "") + "; it has "
                + candidates(of: types))
    }

    /// Why no service can be found in a region, or which it should be where none is configured; nil where neither is so.
    func problem(ofRegion region: String?) -> String? {
        let regions = Set(endpoints.map(\.region)).subtracting([""]).sorted()
        let offer = regions.isEmpty ? "names no region" : "has \(regions.joined(separator: ", "))"
        guard let region else { return regions.count > 1 ? "no region is configured, and the catalog \(offer)" : nil }
        return regions.contains(region) ? nil : "the catalog has no region \(region): it \(offer)"
    }

    private func candidates(of types: [String]) -> String {
        var seen: [String] = []
        let wanted = endpoints.filter { types.contains($0.type) }
        if wanted.isEmpty {
            for endpoint in endpoints where !seen.contains(endpoint.type) { seen.append(endpoint.type) }
            return seen.isEmpty
                ? "nothing at all (is the login scoped to a project?)"
                : "only the types " + seen.joined(separator: ", ")
        }
        for endpoint in wanted {
            let text = "\(endpoint.region)/\(endpoint.interface?.rawValue ?? "?") \(endpoint.url ?? "(no URL)")"
            if !seen.contains(text) { seen.append(text) }
        }
        return seen.prefix(8).joined(separator: ", ") + (seen.count > 8 ? ", …" : "")
    }
}
