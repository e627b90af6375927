import YAMLKit

/// Makes a provider of its settings, the secrets and the clouds that were found.
struct ProviderResolver {
    let secrets: SecretStore
    let clouds: CloudsFiles
    let home: String?

    /// - Returns: nil after a problem was reported.
    func resolve(_ settings: ProviderSettings, _ fields: Fields) -> ProviderConfiguration? {
        let before = fields.problems.errors.count
        checkName(settings.name, fields)
        ProviderTraps.check(settings, fields)
        let arguments = Fields(fields.node("driver_args"), path: fields.path("driver_args"), problems: fields.problems)
        var parts = CloudParts(settings.arguments, arguments, secrets)
        if let region = settings.region { parts.region = region }
        if let interface = settings.interface { parts.interface = interface }
        if let insecure = settings.insecure { parts.verifies = !insecure }
        if let file = settings.authorityFile { parts.authorityFile = file }
        let name = settings.cloud ?? settings.arguments.cloud
        let place = settings.cloud == nil && name != nil ? arguments : fields
        if let name {
            switch clouds.parts(name, region: parts.region, problems: fields.problems) {
            case .success(let base): parts.fill(from: base)
            case .failure(let failure):
                place.problems.error(place.mark(of: "cloud"), place.path("cloud"), failure.problem, hint: failure.hint)
                return nil
            }
        } else if !fields.has("driver_args") {
            fields.problems.error(
                fields.mark, fields.path, "driver_args is missing",
                hint: "give username, password and ex_force_auth_url there, or cloud: NAME for a cloud of clouds.yaml")
            return nil
        }
        parts.authorityFile = parts.authorityFile.map { Paths.expand($0, home: home) }
        guard fields.problems.errors.count == before else { return nil }
        if parts.verifies == false {
            fields.problems.warning(
                fields.mark(of: "insecure"), fields.path,
                "certificates are not verified: passwords go to whoever answers",
                hint: "name the authority with cacert instead")
        }
        switch parts.access() {
        case .success(let access):
            if WebURL(parsing: access.identityRoot)?.isOpenToReaders == true {
                fields.problems.warning(
                    name == nil ? arguments.mark(of: "ex_force_auth_url") : place.mark(of: "cloud"), fields.path,
                    "the password goes to \(access.identityRoot) in clear text",
                    hint: "write https:// if Keystone has it; else anybody on the way can read it")
            }
            return ProviderConfiguration(access: access, settings: settings)
        case .failure(let incomplete):
            let mark = name == nil ? fields.mark(of: "driver_args") : place.mark(of: "cloud")
            let path = name == nil ? fields.path("driver_args") : place.path("cloud")
            for problem in incomplete.problems {
                fields.problems.error(mark, path, problem, hint: Self.hint(problem, name))
            }
            return nil
        }
    }

    private static func hint(_ problem: String, _ cloud: String?) -> String {
        if let cloud { return "complete the cloud \(Node.quoted(cloud)) in clouds.yaml or secure.yaml" }
        let keys = [
            ("Keystone", "ex_force_auth_url"), ("user's name", "username"), ("password", "password"),
            ("project", "ex_tenant_name"), ("credential's id", "username"), ("credential's secret", "password"),
        ]
        return keys.first { problem.contains($0.0) }.map { "set \($0.1)" } ?? ""
    }

    /// It becomes part of tube names and is compared with paddles' machine_type, a column of 32 characters.
    private func checkName(_ name: String, _ fields: Fields) {
        let isSane = name.utf8.allSatisfy { $0.isDomainByte || $0.isUpperCase || "_.+".utf8.contains($0) }
        if !isSane || name.isEmpty || name.utf8.count > 32 || name.hasPrefix("-") {
            fields.problems.error(
                fields.mark, fields.path, "the name of a provider has 1 to 32 letters, digits and -_.+",
                hint: "it must equal the nodes' machine_type in paddles")
        }
    }
}
