package import World

/// How to reach one cloud as one user in one project: what driver_args and clouds.yaml both come down to.
package struct CloudAccess: Sendable, Hashable {
    package enum Interface: String, Sendable, Hashable, CaseIterable {
        case `public`
        case `internal`
        case admin

        /// Also `publicURL` and the like, as older files have it.
        init?(lenient text: String) { self.init(rawValue: text.lowercased().trimming(suffix: "url")) }
    }

    package enum Service: String, Sendable, Hashable, CaseIterable, Comparable {
        case identity, compute, image, network, volume

        package static func < (a: Service, b: Service) -> Bool { a.rawValue < b.rawValue }
    }

    /// What replaces the catalog's or our own choice for one service.
    package struct Override: Sendable, Hashable {
        package var endpoint: String?
        package var type: String?
        package var name: String?
        package var region: String?
        package var interface: Interface?
        package var microversion: String?

        package init() {}
    }

    package struct TLS: Sendable, Hashable {
        package var verifies = true
        package var authorityFile: String?

        package init() {}
    }

    package var identityRoot: String
    /// Nil: find out, v3 first.
    package var identityVersion: IdentityVersion?
    package var credential: Credential
    /// Nil: the catalog's only region.
    package var region: String?
    package var interface = Interface.public
    package var overrides: [Service: Override] = [:]
    package var tls = TLS()
    package var timeout: Duration?

    package init(identityRoot: String, identityVersion: IdentityVersion? = nil, credential: Credential) {
        self.identityRoot = identityRoot
        self.identityVersion = identityVersion
        self.credential = credential
    }

    /// The same with secrets from files read again: for after a login was refused.
    /// - Throws: `SecretFailure`.
    package func refreshed(_ files: any FileSystem) async throws -> CloudAccess {
        var access = self
        access.credential = try await credential.refreshed(files)
        return access
    }
}
