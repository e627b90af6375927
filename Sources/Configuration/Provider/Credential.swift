import World

/// Who we are to Keystone.
package enum Credential: Sendable, Hashable {
    /// A name that needs a domain, or an id that does not.
    package enum Principal: Sendable, Hashable {
        case id(String)
        case name(String, domain: Domain)
    }

    package enum Domain: Sendable, Hashable {
        case id(String)
        case name(String)
    }

    /// With Keystone v2.0 the domains are left out and the project is the tenant.
    case password(user: Principal, password: Secret, project: Principal?)
    /// By id alone, or by name and the user that it belongs to. The project is fixed in it.
    case applicationCredential(ApplicationCredential, secret: Secret)
    case token(Secret, project: Principal?)

    package enum ApplicationCredential: Sendable, Hashable {
        case id(String)
        case name(String, user: Principal)
    }

    func refreshed(_ files: any FileSystem) async throws -> Credential {
        switch self {
        case .password(let user, let password, let project):
            .password(user: user, password: try await password.refreshed(files), project: project)
        case .applicationCredential(let credential, let secret):
            .applicationCredential(credential, secret: try await secret.refreshed(files))
        case .token(let token, let project): .token(try await token.refreshed(files), project: project)
        }
    }
}
