import HTTPKit

package enum EndpointInterface: String, Sendable, Hashable, CaseIterable {
    case `public`, `internal`, admin
}

/// What a site says about one service, where the catalog is not to be followed.
package struct ServiceOverride: Sendable, Hashable {
    /// Instead of the catalog's. `{project_id}`, `%(project_id)s` and `%(tenant_id)s` are filled in.
    package var endpoint: String?
    /// Catalog type and name to look for.
    package var type: String?
    package var name: String?
    package var region: String?
    package var interface: EndpointInterface?
    /// `2.60`; nil: the service's oldest, which is all that we need.
    package var microversion: String?

    package init(
        endpoint: String? = nil, type: String? = nil, name: String? = nil, region: String? = nil,
        interface: EndpointInterface? = nil, microversion: String? = nil
    ) {
        self.endpoint = endpoint
        self.type = type
        self.name = name
        self.region = region
        self.interface = interface
        self.microversion = microversion
    }
}

/// One provider's cloud, as this room needs to know it.
package struct CloudSettings: Sendable {
    /// The provider's name: in errors, logs, metrics.
    package var provider: String
    /// In any of the forms of `AuthURL`.
    package var authURL: String
    package var identityVersion: IdentityVersion
    package var credential: CloudCredential
    /// Nil is right only where the cloud has one region.
    package var region: String?
    package var interface: EndpointInterface
    package var overrides: [OpenStackService: ServiceOverride]
    package var verifyTLS: Bool
    /// PEM bundle to trust instead of the system's.
    package var certificateAuthority: String?
    /// For one request, from start to the end of its answer.
    package var timeout: Duration
    /// How long lists of flavors, images, networks and security groups are used before they are fetched again.
    package var inventoryLifetime: Duration
    /// How often the few that wait for something are told how far it is; many are told less often.
    package var pollInterval: Duration

    package init(
        provider: String, authURL: String, identityVersion: IdentityVersion = .automatic, credential: CloudCredential,
        region: String? = nil, interface: EndpointInterface = .public,
        overrides: [OpenStackService: ServiceOverride] = [:], verifyTLS: Bool = true,
        certificateAuthority: String? = nil,
        timeout: Duration = .seconds(60), inventoryLifetime: Duration = .seconds(300),
        pollInterval: Duration = .seconds(1)
    ) {
        self.provider = provider
        self.authURL = authURL
        self.identityVersion = identityVersion
        self.credential = credential
        self.region = region
        self.interface = interface
        self.overrides = overrides
        self.verifyTLS = verifyTLS
        self.certificateAuthority = certificateAuthority
        self.timeout = timeout
        self.inventoryLifetime = inventoryLifetime
        self.pollInterval = pollInterval
    }

    func override(_ service: OpenStackService) -> ServiceOverride { overrides[service] ?? ServiceOverride() }

    /// - Parameter secrets: what of it may stand in no log.
    func request(
        _ method: HTTPMethod, _ url: String, headers: HTTPHeaders, body: [UInt8] = [], secrets: [String]
    ) -> HTTPRequest {
        var request = HTTPRequest(
            method, url, headers: headers, body: body, timeout: timeout, verifyTLS: verifyTLS,
            certificateAuthority: certificateAuthority)
        request.secrets = secrets
        return request
    }
}
