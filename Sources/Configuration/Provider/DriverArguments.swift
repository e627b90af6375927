import YAMLKit

/// libcloud's arguments as they stand in the file (facts/openstack.md 6.2).
package struct DriverArguments: Sendable, Hashable {
    package enum AuthVersion: String, Sendable, CaseIterable {
        case v1 = "1.0"
        case v11 = "1.1"
        case v2 = "2.0"
        case v2APIKey = "2.0_apikey"
        case v2Password = "2.0_password"
        case v2VOMS = "2.0_voms"
        case v3Password = "3.x_password"
        case v3ApplicationCredential = "3.x_appcred"
        case v3OIDC = "3.x_oidc_access_token"
    }

    package enum TokenScope: String, Sendable, CaseIterable { case project, domain, unscoped }

    package var username: SecretReference?
    package var password: SecretReference?
    package var authURL: String?
    package var authVersion: AuthVersion?
    package var tenantName: String?
    package var userDomainName: String?
    package var projectDomainID: String?
    package var tokenScope: TokenScope?
    package var region: String?
    package var serviceType: String?
    package var serviceName: String?
    package var baseURL: String?
    package var authToken: SecretReference?
    package var imageURL: String?
    package var volumeURL: String?
    package var networkURL: String?
    package var microversion: String?
    package var timeout: Duration?
    package var proxyURL: String?
    package var cloud: String?

    package init() {}

    static let schema = Schema<DriverArguments>(
        [
            .optional(
                "username", \.username, .reference, otherwise: "none", example: .inline("my_ovh_username"),
                "The user's name; with 3.x_appcred the application credential's id."),
            .optional(
                "password", \.password, .secret, otherwise: "none", example: .environment("OVH_PASSWORD"),
                "The password; with 3.x_appcred the application credential's secret."),
            .optional(
                "ex_force_auth_url", \.authURL, .text("a URL"), otherwise: "none",
                example: "https://auth.cloud.ovh.net/v2.0/tokens",
                "Keystone. Without a path, with /v2.0, /v2.0/tokens, /v3 and /v3/auth/tokens: all are understood."),
            .optional(
                "ex_force_auth_version", \.authVersion, .choice, otherwise: "what the URL says, else v3 and then v2.0",
                example: .v2Password, "2.0_password, 3.x_password or 3.x_appcred; libcloud's others are refused."),
            .optional(
                "ex_tenant_name", \.tenantName, .text("a name"), otherwise: "none", example: "my_tenant_name",
                "The project's name."),
            .optional(
                "ex_domain_name", \.userDomainName, .text("a name"), otherwise: "Default", example: "Default",
                "The user's domain, by name."),
            .optional(
                "ex_tenant_domain_id", \.projectDomainID, .text("an id"), otherwise: "default", example: "default",
                "The project's domain, by id."),
            .optional(
                "ex_token_scope", \.tokenScope, .choice, otherwise: "project", example: .project,
                "Only project is of use here: other tokens come without a catalog of services."),
            .optional(
                "ex_force_service_region", \.region, .text("a region"), otherwise: "the catalog's only one",
                example: "GRA1", "The region, as the catalog spells it. OVH needs it."),
            .optional(
                "ex_force_service_type", \.serviceType, .text("a type"), otherwise: "compute", example: "compute",
                "The compute service's type in the catalog."),
            .optional(
                "ex_force_service_name", \.serviceName, .text("a name"), otherwise: "any", example: "nova",
                "The compute service's name in the catalog."),
            .optional(
                "ex_force_base_url", \.baseURL, .url(), otherwise: "the catalog's",
                example: "https://compute.gra1.cloud.ovh.net/v2.1", "The compute endpoint."),
            .optional(
                "ex_force_image_url", \.imageURL, .url(), otherwise: "the catalog's",
                example: "https://image.compute.gra1.cloud.ovh.net", "The image endpoint."),
            .optional(
                "ex_force_volume_url", \.volumeURL, .url(), otherwise: "the catalog's",
                example: "https://volume.compute.gra1.cloud.ovh.net/v3", "The block storage endpoint."),
            .optional(
                "ex_force_network_url", \.networkURL, .url(), otherwise: "the catalog's",
                example: "https://network.compute.gra1.cloud.ovh.net", "The network endpoint."),
            .optional(
                "ex_force_auth_token", \.authToken, .secret, otherwise: "none", example: .environment("OVH_TOKEN"),
                "A token instead of a password. Nothing can be done once it has expired."),
            .optional(
                "ex_force_microversion", \.microversion, microversionShape, otherwise: "what each request needs",
                example: "2.60", "Nova's microversion."),
            .optional(
                "timeout", \.timeout, .duration(in: .seconds(1) ... .seconds(3_600)), otherwise: "http.timeout",
                example: .seconds(60), "For a whole request to this cloud."),
            .optional(
                "proxy_url", \.proxyURL, .url(), otherwise: "none", example: "http://proxy.front.sepia.ceph.com:3128",
                "Not used: the worker takes its proxies from https_proxy, http_proxy and no_proxy."),
            .optional(
                "cloud", \.cloud, .text("the name of a cloud"), otherwise: "none", example: "ovh",
                "A cloud of clouds.yaml, as below; what stands here goes before what that file says."),
        ],
        // They change nothing here: libcloud's own workings, or decided by the URLs.
        foreign: [
            "api_version", "backoff", "ex_auth_cache", "ex_force_api_version", "host", "port", "retry_delay", "secure",
        ], isShared: true)

    /// `2.60`, or libcloud's `compute 2.60`.
    private static let microversionShape = Shape<String>(
        "a microversion (2.60)",
        parse: { scalar in
            let text = scalar.text.trimming(prefix: "compute ")
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 2 && parts.allSatisfy { UInt16($0) != nil } ? text : nil
        }, write: { .string($0) })
}
