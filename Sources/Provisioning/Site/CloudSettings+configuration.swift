import Configuration
import Lab
import OpenStack
import Resilience
import World

extension CloudSettings {
    /// What the site file says of a provider, as the OpenStack room needs it.
    init(_ provider: ProviderConfiguration, timeout: Duration, files: any FileSystem) {
        let access = provider.access
        var overrides: [OpenStackService: ServiceOverride] = [:]
        for (service, override) in access.overrides {
            overrides[OpenStackService(service)] = ServiceOverride(
                endpoint: override.endpoint, type: override.type, name: override.name, region: override.region,
                interface: override.interface.map(EndpointInterface.init), microversion: override.microversion)
        }
        self.init(
            provider: provider.name, authURL: access.identityRoot,
            identityVersion: OpenStack.IdentityVersion(access.identityVersion),
            credential: CloudCredential(access.credential, files: files),
            region: access.region, interface: EndpointInterface(access.interface), overrides: overrides,
            verifyTLS: access.tls.verifies, certificateAuthority: access.tls.authorityFile,
            timeout: access.timeout ?? timeout, pollInterval: provider.settings.pollInterval)
    }
}

extension OpenStackService {
    fileprivate init(_ service: CloudAccess.Service) {
        self =
            switch service {
            case .identity: .identity
            case .compute: .compute
            case .image: .image
            case .network: .network
            case .volume: .blockStorage
            }
    }
}

extension EndpointInterface {
    fileprivate init(_ interface: CloudAccess.Interface) {
        self =
            switch interface {
            case .public: .public
            case .internal: .internal
            case .admin: .admin
            }
    }
}

extension OpenStack.IdentityVersion {
    fileprivate init(_ version: Configuration.IdentityVersion?) {
        self =
            switch version {
            case nil: .automatic
            case .v2: .v2
            case .v3: .v3
            }
    }
}

extension CloudCredential {
    fileprivate init(_ credential: Credential, files: any FileSystem) {
        func secret(_ secret: Secret) -> CloudSecret {
            CloudSecret({ try await secret.refreshed(files).reveal() }, modified: { await secret.modified(files) })
        }
        self =
            switch credential {
            case .password(let user, let password, let project):
                .password(
                    user: OpenStack.Principal(user), password: secret(password),
                    project: project.map(OpenStack.Principal.init) ?? OpenStack.Principal())
            case .applicationCredential(.id(let id), let value):
                .applicationCredential(OpenStack.Principal(id: id), user: nil, secret: secret(value))
            case .applicationCredential(.name(let name, let user), let value):
                .applicationCredential(
                    OpenStack.Principal(name: name), user: OpenStack.Principal(user), secret: secret(value))
            case .token(let token, let project):
                .token(secret(token), project: project.map(OpenStack.Principal.init) ?? OpenStack.Principal())
            }
    }
}

extension OpenStack.Principal {
    fileprivate init(_ principal: Credential.Principal) {
        switch principal {
        case .id(let id): self.init(id: id)
        case .name(let name, .id(let domain)): self.init(name: name, domainID: domain)
        case .name(let name, .name(let domain)): self.init(name: name, domainName: domain)
        }
    }
}

extension CloudGates {
    init(
        provider: String, rates: RateSettings, world: World,
        onChange: @escaping @Sendable (OpenStackService, GateState) -> Void
    ) {
        self.init(
            provider: provider,
            settings: { service in
                let rate =
                    switch service {
                    case .identity: rates.identity
                    case .compute: rates.compute
                    case .image: rates.image
                    case .network: rates.network
                    case .blockStorage: rates.volume
                    }
                return GateSettings(concurrency: rate.concurrency, rate: rate.perSecond, burst: rate.burst)
            }, world: world, onChange: onChange)
    }
}

extension Lab.SSHSettings {
    init(_ settings: Configuration.SSHSettings) {
        self.init(
            user: settings.user, identityFile: settings.identityFile, port: UInt16(clamping: settings.port),
            folder: settings.knownHostsFolder)
    }
}
