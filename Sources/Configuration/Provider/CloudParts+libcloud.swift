import YAMLKit

extension CloudParts {
    /// libcloud's arguments (facts/openstack.md 6.2). Problems are reported at the arguments' places.
    init(_ arguments: DriverArguments, _ fields: Fields, _ secrets: SecretStore) {
        func refuse(_ key: String, _ message: String, hint: String = "") {
            fields.problems.error(fields.mark(of: key), fields.path(key), message, hint: hint)
        }
        func warn(_ key: String, _ message: String, hint: String = "") {
            fields.problems.warning(fields.mark(of: key), fields.path(key), message, hint: hint)
        }
        func secret(_ key: String, _ reference: SecretReference?) -> Secret? {
            guard let reference else { return nil }
            switch secrets.resolve(reference) {
            case .success(let secret): return secret
            case .failure(let failure):
                refuse(key, "\(failure)")
                return nil
            }
        }
        authURL = arguments.authURL
        if let authURL, AuthURL(parsing: authURL) == nil {
            refuse(
                "ex_force_auth_url", "expected a URL (https://host:port/path) without a user or password in it",
                hint: authURL.contains("://") ? "" : "write https:// (or http://) before it")
        }
        switch arguments.authVersion {
        case nil: break
        case .v2Password: version = .v2
        case .v2:
            version = .v2
            warn(
                "ex_force_auth_version", "taken for 2.0_password; to libcloud it means an API key",
                hint: "write 2.0_password")
        case .v3Password: version = .v3
        case .v3ApplicationCredential:
            version = .v3
            method = .applicationCredential
        case .v1, .v11, .v2APIKey, .v2VOMS, .v3OIDC:
            refuse(
                "ex_force_auth_version", "\(arguments.authVersion?.rawValue ?? "") is not supported",
                hint: "use 3.x_password, 3.x_appcred or 2.0_password")
        }
        if let scope = arguments.tokenScope, scope != .project, method != .applicationCredential {
            refuse(
                "ex_token_scope", "with \(scope.rawValue) Keystone sends no catalog of services", hint: "remove the key"
            )
        }
        let name = secret("username", arguments.username)?.reveal()
        let password = secret("password", arguments.password)
        if method == .applicationCredential {
            applicationCredentialID = name
            applicationCredentialSecret = password
        } else {
            username = name
            self.password = password
            if name != nil { userDomain = .name(arguments.userDomainName ?? "Default") }
        }
        if let token = secret("ex_force_auth_token", arguments.authToken) {
            self.token = token
            method = .token
            warn("ex_force_auth_token", "a token expires, and then nothing can be done", hint: "use a password")
        }
        projectName = arguments.tenantName
        if projectName != nil { projectDomain = .id(arguments.projectDomainID ?? "default") }
        region = arguments.region
        timeout = arguments.timeout
        if arguments.proxyURL != nil {
            warn(
                "proxy_url", "a proxy for one provider alone is not supported: not used",
                hint: "set https_proxy, http_proxy and no_proxy in the environment")
        }
        overrides = Self.overrides(arguments, warn)
    }

    private static func overrides(
        _ arguments: DriverArguments, _ warn: (String, String, String) -> Void
    ) -> [CloudAccess.Service: CloudAccess.Override] {
        var overrides: [CloudAccess.Service: CloudAccess.Override] = [:]
        for (key, value) in [
            ("ex_force_service_type", arguments.serviceType), ("ex_force_service_name", arguments.serviceName),
        ]
        where value != nil {
            warn(key, "holds for the compute service only; libcloud would look for all services under it", "")
        }
        var compute = CloudAccess.Override()
        compute.endpoint = arguments.baseURL
        compute.type = arguments.serviceType
        compute.name = arguments.serviceName
        compute.microversion = arguments.microversion
        if compute != CloudAccess.Override() { overrides[.compute] = compute }
        for (service, url) in [
            (CloudAccess.Service.image, arguments.imageURL), (.volume, arguments.volumeURL),
            (.network, arguments.networkURL),
        ] {
            if let url { overrides[service, default: CloudAccess.Override()].endpoint = url }
        }
        return overrides
    }
}
