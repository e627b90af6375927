import HTTPKit
import World

/// What can be done to the cloud behind its users' back (`OpenStackCloud`'s controls), as commands.
enum CloudCommand: Sendable {
    /// `server-fault` `fault` (see `ServerFaultName`), `name` or `prefix`, `times`, `text`, `after` (seconds).
    case serverFault(ServerFault, NameMatch, times: Int)
    /// `volume-fault`, the same.
    case volumeFault(VolumeFault, NameMatch, times: Int)
    /// `remove-server`, `fail-server` (`text`), `resume-server`; by `name`, every one of that name.
    case servers(Deed, String)
    /// `remove-volume`, `fail-volume`, `resume-volume`, `strand-volume`.
    case volumes(Deed, String)
    /// `add-server` `name`, `metadata`: somebody else's.
    case addServer(String, [String: String])
    /// `add-volume` `name`, `metadata`, `server` (a name): somebody else's.
    case addVolume(String, [String: String], server: String?)
    /// `revoke-tokens`
    case revokeTokens
    /// `set-password` `user`, `password`
    case setPassword(user: String, String)
    /// `quotas`, with the members of the settings' `quotas`; what is not given is OpenStack's default.
    case quotas(CloudQuotas)
    /// `timings`, with the members of the settings' `timings`.
    case timings(JSONValue)

    enum Deed: Sendable, Hashable {
        case remove
        case fail(String)
        case resume
        case strand
    }

    private enum ServerFaultName: String, CaseIterable {
        case noValidHost = "no-valid-host"
        case spawnFails = "spawn-fails"
        case hostsExhausted = "hosts-exhausted"
        case quotaRecheck = "quota-recheck"
        case staysInBuild = "stays-in-build"
        case withoutAddress = "without-address"
        case vanishes
        case breaks
        case destroyFails = "destroy-fails"
        case staysDeleting = "stays-deleting"
    }

    private enum VolumeFaultName: String, CaseIterable {
        case createFails = "create-fails"
        case staysCreating = "stays-creating"
        case attachFails = "attach-fails"
        case staysReserved = "stays-reserved"
        case staysDetaching = "stays-detaching"
        case deleteFails = "delete-fails"
        case staysDeleting = "stays-deleting"
        case vanishes
    }

    init(_ verb: String, _ fields: inout JSONFields) throws(SandboxMistake) {
        func name(_ fields: inout JSONFields) throws(SandboxMistake) -> String {
            let name = try fields.text("name")
            return try fields.required(name, "name")
        }
        switch verb {
        case "server-fault": self = try Self.serverFault(&fields)
        case "volume-fault": self = try Self.volumeFault(&fields)
        case "remove-server": self = .servers(.remove, try name(&fields))
        case "fail-server": self = .servers(.fail(try fields.text("text") ?? "Failed by hand."), try name(&fields))
        case "resume-server": self = .servers(.resume, try name(&fields))
        case "remove-volume": self = .volumes(.remove, try name(&fields))
        case "fail-volume": self = .volumes(.fail(""), try name(&fields))
        case "resume-volume": self = .volumes(.resume, try name(&fields))
        case "strand-volume": self = .volumes(.strand, try name(&fields))
        case "add-server": self = .addServer(try name(&fields), try Self.metadata(&fields))
        case "add-volume":
            self = .addVolume(try name(&fields), try Self.metadata(&fields), server: try fields.text("server"))
        case "revoke-tokens": self = .revokeTokens
        case "set-password":
            let user = try fields.text("user")
            let password = try fields.text("password")
            self = .setPassword(
                user: try fields.required(user, "user"), try fields.required(password, "password"))
        case "quotas":
            var quotas = CloudQuotas()
            try quotas.read(fields.take("quotas"))
            self = .quotas(quotas)
        case "timings":
            let timings = try fields.required(fields.take("timings"), "timings")
            var tried = CloudTimings()
            try tried.read(timings)
            self = .timings(timings)
        default: throw SandboxMistake("command: do: \(verb) is not known here")
        }
    }

    private static func metadata(_ fields: inout JSONFields) throws(SandboxMistake) -> [String: String] {
        guard let value = fields.take("metadata") else { return [:] }
        guard let members = value.object else { throw fields.wrong("metadata", "an object of strings") }
        return members.strings
    }

    private static func match(_ fields: inout JSONFields) throws(SandboxMistake) -> NameMatch {
        if let name = try fields.text("name") { return .name(name) }
        if let prefix = try fields.text("prefix") { return .prefix(prefix) }
        return .any
    }

    private static func serverFault(_ fields: inout JSONFields) throws(SandboxMistake) -> CloudCommand {
        let kind: ServerFaultName? = try fields.choice("fault")
        let text = try fields.text("text") ?? "Failed on request."
        let after = try fields.duration("after") ?? .zero
        let fault: ServerFault =
            switch try fields.required(kind, "fault") {
            case .noValidHost: .noValidHost
            case .spawnFails: .spawnFails(text)
            case .hostsExhausted: .hostsExhausted
            case .quotaRecheck: .quotaRecheck(text)
            case .staysInBuild: .staysInBuild
            case .withoutAddress: .withoutAddress
            case .vanishes: .vanishes(after: after)
            case .breaks: .breaks(after: after, text)
            case .destroyFails: .destroyFails
            case .staysDeleting: .staysDeleting
            }
        return .serverFault(fault, try match(&fields), times: try fields.integer("times", in: 1...100_000) ?? 1)
    }

    private static func volumeFault(_ fields: inout JSONFields) throws(SandboxMistake) -> CloudCommand {
        let kind: VolumeFaultName? = try fields.choice("fault")
        let after = try fields.duration("after") ?? .zero
        let fault: VolumeFault =
            switch try fields.required(kind, "fault") {
            case .createFails: .createFails
            case .staysCreating: .staysCreating
            case .attachFails: .attachFails
            case .staysReserved: .staysReserved
            case .staysDetaching: .staysDetaching
            case .deleteFails: .deleteFails
            case .staysDeleting: .staysDeleting
            case .vanishes: .vanishes(after: after)
            }
        return .volumeFault(fault, try match(&fields), times: try fields.integer("times", in: 1...100_000) ?? 1)
    }

    func run(on cloud: inout OpenStackCloud, at now: Timestamp) throws(SandboxMistake) -> JSONValue {
        switch self {
        case .serverFault(let fault, let match, let times): cloud.plan(server: fault, for: match, times: times)
        case .volumeFault(let fault, let match, let times): cloud.plan(volume: fault, for: match, times: times)
        case .servers(let deed, let name):
            let ids = cloud.servers(named: name)
            if ids.isEmpty { throw SandboxMistake("there is no server \(name)") }
            for id in ids { Self.act(deed, onServer: id, of: &cloud, at: now) }
            return ["ids": .array(ids.map { .string($0) })]
        case .volumes(let deed, let name):
            let ids = cloud.volumes(named: name)
            if ids.isEmpty { throw SandboxMistake("there is no volume \(name)") }
            for id in ids { Self.act(deed, onVolume: id, of: &cloud, at: now) }
            return ["ids": .array(ids.map { .string($0) })]
        case .addServer(let name, let metadata):
            guard let id = cloud.addServer(named: name, metadata: metadata, at: now) else {
                throw SandboxMistake("there is no room for a server \(name)")
            }
            return ["id": .string(id)]
        case .addVolume(let name, let metadata, let server):
            let owner = server.flatMap { cloud.servers(named: $0).first }
            if server != nil, owner == nil { throw SandboxMistake("there is no server \(server ?? "")") }
            guard let id = cloud.addVolume(named: name, metadata: metadata, attachedTo: owner, at: now) else {
                throw SandboxMistake("there is no room for a volume \(name)")
            }
            return ["id": .string(id)]
        case .revokeTokens: cloud.revokeTokens()
        case .setPassword(let user, let password): cloud.setPassword(password, ofUser: user)
        case .quotas(let quotas): cloud.setQuotas(quotas)
        case .timings(let json): try cloud.timings.read(json)
        }
        return [:]
    }

    private static func act(_ deed: Deed, onServer id: String, of cloud: inout OpenStackCloud, at now: Timestamp) {
        switch deed {
        case .remove: cloud.removeServer(id, at: now)
        case .fail(let text): cloud.failServer(id, text, at: now)
        case .resume, .strand: cloud.resume(id, at: now)
        }
    }

    private static func act(_ deed: Deed, onVolume id: String, of cloud: inout OpenStackCloud, at now: Timestamp) {
        switch deed {
        case .remove: cloud.removeVolume(id, at: now)
        case .fail: cloud.failVolume(id, at: now)
        case .resume: cloud.resume(id, at: now)
        case .strand: cloud.strandVolume(id, at: now)
        }
    }
}
