import ArgumentParser
import Beanstalk
import Configuration
import Glibc
import Jobs
import WorkerCore
import World
import YAMLKit

/// What provisions and destroys have in common.
struct JobOptions: ParsableArguments {
    @Option(
        name: [.customLong("machine-type"), .customLong("provider")],
        help: ArgumentHelp("The provider. Default: the only one that is configured.", valueName: "name"))
    var provider: String?

    @Option(help: "Who holds the nodes in paddles. Default: you, as USER@HOST.")
    var owner: String?

    @Option(help: ArgumentHelp("The description of their lock in paddles. Default: not compared.", valueName: "text"))
    var lockDescription: String?

    @Option(help: ArgumentHelp("Put the outcome into this tube.", valueName: "tube"))
    var replyTo: String?

    @Option(help: "Identifies the job; a second job of the same one finds its work done. Default: a new one each.")
    var uuid: String?

    @Option(help: ArgumentHelp("The test run that this is for.", valueName: "run"))
    var name: String?

    @Option(help: ArgumentHelp("The test run's job that this is for.", valueName: "id"))
    var jobID: String?

    func validate(jobs: Int) throws {
        if uuid != nil, jobs != 1 { throw ValidationError("--uuid identifies one job, and these are \(jobs)") }
    }

    /// One order for each node.
    /// - Parameter entries: what else goes into each body.
    /// - Throws: `Complaint` naming everything that a worker would refuse.
    func orders(
        _ action: JobAction, nodes: [String?], _ entries: [(String, Node)], _ configuration: SiteConfiguration,
        _ world: World
    ) throws -> [Order] {
        let provider = try provider(configuration)
        let tube =
            action == .provision ? configuration.tubes.provision(provider) : configuration.tubes.destroy(provider)
        let tubeName = try TubeName(tube)
        if let replyTo {
            do throws(RefusedReplyTube) {
                let machineTypes = configuration.providerSettings.map(\.name)
                _ = try configuration.tubes.replyTube(replyTo, machineTypes: machineTypes)
            } catch {
                throw Complaint("\(error)", .usage)
            }
        }
        let names = try Self.names(nodes, configuration.labDomain)
        let reader = JobBody(labDomain: configuration.labDomain, providers: configuration.providerSettings.map(\.name))
        let envelope = Envelope(jobID: 0, put: world.time.wallClock, tubeProvider: provider, tubeAction: action)
        let owner = owner(world)
        return try names.map { name in
            let uuid = uuid ?? world.random.uuid()
            var body: [(String, Node)] = [("uuid", .string(uuid))]
            if let name { body.append(("node", .string(name.qualified))) }
            body += [("machine_type", .string(provider)), ("owner", .string(owner))]
            if let lockDescription { body.append(("lock_description", .string(lockDescription))) }
            body += entries
            if let replyTo { body.append(("reply_to", .string(replyTo))) }
            if let name = self.name { body.append(("name", .string(name))) }
            if let jobID { body.append(("job_id", .string(jobID))) }
            let order = Order(action: action, node: name?.qualified, uuid: uuid, tube: tubeName, entries: body)
            if case .malformed(let problems, _) = reader.read(order.body, envelope) {
                throw Complaint(lines: problems.map(Self.text), .usage)
            }
            return order
        }
    }

    private func provider(_ configuration: SiteConfiguration) throws -> String {
        let names = configuration.providerSettings.map(\.name)
        guard let provider else {
            if names.count == 1 { return names[0] }
            throw Complaint(
                names.isEmpty
                    ? "the configuration has no provider" : "several providers: say --machine-type \(Self.list(names))",
                names.isEmpty ? .configuration : .usage)
        }
        guard names.contains(provider) else {
            throw Complaint("provider '\(provider)' is not configured; there is \(Self.list(names))", .usage)
        }
        return provider
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.joined(separator: " or ")
    }

    /// Every name is checked before anything is put.
    private static func names(_ texts: [String?], _ domain: String) throws -> [NodeName?] {
        var problems: [String] = []
        var names: [NodeName?] = []
        var seen: Set<NodeName> = []
        for text in texts {
            guard let text else {
                names.append(nil)
                continue
            }
            do throws(NodeName.Malformed) {
                let name = try NodeName(text, domain: domain)
                if !seen.insert(name).inserted { problems.append("\(name) is named twice") }
                names.append(name)
            } catch {
                problems.append(error.description)
            }
        }
        guard problems.isEmpty else { throw Complaint(lines: problems, .usage) }
        return names
    }

    /// As given, or else who asks, as teuthology names its users.
    func owner(_ world: World) -> String {
        if let owner { return owner }
        let environment = world.host.environment
        let variables = ["LOGNAME", "USER", "LNAME", "USERNAME"]
        let name =
            variables.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
            ?? getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(getuid())"
        return "\(name)@\(world.host.name)"
    }

    private static func text(_ problem: Problem) -> String {
        "\(problem.path): \(problem.message)" + (problem.hint.isEmpty ? "" : "; \(problem.hint)")
    }
}
