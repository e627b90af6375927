import ArgumentParser
import Beanstalk
import HTTPKit
import WorkerCore
import World

struct FailedGroupsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "groups", abstract: "Counts failed jobs by what went wrong: a line for each kind of error.",
        discussion: """
            Errors are of one kind when class, step, HTTP status and words agree, names of nodes (NODE) and all that has \
            digits in it (#) left out. SAMPLE is the newest job of the kind, for `failed show`.

            JSON: for each kind an object with event "group", count, first, last, action, step, class, status, sample (a \
            job number) and message.
            """)

    @OptionGroup var site: SiteOptions
    @OptionGroup var which: FailureOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let which = which
        let (groups, now) = try await FailedCommand.read(site) { reader, world in
            let now = world.time.wallClock
            let filter = which.filter(now: now)
            var groups = FailureGroups()
            _ = try await reader.read(ReportSelection(headOnly: filter.text == nil, mentions: filter.mentions)) { job in
                if filter.admits(job) { groups.add(job) }
                return true
            }
            return (groups.sorted, now)
        }
        if output.json {
            for group in groups { Terminal.output.line(JSONValue.object(Self.json(group)).text) }
            return
        }
        if groups.isEmpty { return Terminal.output.line(Terminal.output.styled("no failed job matches", .dim)) }
        var table = TextTable(head: ["COUNT", "FIRST", "LAST", "ACTION", "STEP", "CLASS", "SAMPLE", "MESSAGE"])
        for group in groups { table.add(Self.row(group, now)) }
        for line in table.lines(for: .output) { Terminal.output.line(line) }
    }

    private static func row(_ group: FailureGroup, _ now: Timestamp) -> [String] {
        [
            "\(group.count)", (now - group.first).short, (now - group.last).short, group.action, group.step,
            group.cause, "\(group.sample)", group.shape,
        ].map { $0.isEmpty ? "-" : Printable.line($0) }
    }

    private static func json(_ group: FailureGroup) -> JSONObject {
        var members: JSONObject = [
            "event": "group", "count": .integer(group.count), "first": .string(group.first.description),
            "last": .string(group.last.description), "action": .string(group.action), "step": .string(group.step),
            "class": .string(group.cause), "sample": .integer(Int(clamping: group.sample.number)),
            "message": .string(group.shape),
        ]
        if let status = group.status { members["status"] = .integer(status) }
        return members
    }
}
