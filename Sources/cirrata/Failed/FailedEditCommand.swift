import ArgumentParser
import Beanstalk
import Configuration
import EventLoop
import Glibc
import HTTPKit
import Jobs
import WorkerCore
import World
import YAMLKit

struct FailedEditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit",
        abstract: "Corrects a failed job: its body in your editor, put anew, the old job discarded.",
        discussion: """
            The body opens in $VISUAL or $EDITOR as it is, secrets too, in a file that only you can read and that is gone \
            afterwards. What a worker would refuse is shown with its place, and the editor opens again. A body that was not \
            changed does nothing.

            The new job has a number of its own and is otherwise the same one: uuid and first_put, which are added where \
            they are missing, say so. What is left of the old job is the new one's, and it never takes away what a newer job \
            of the node built. The old job is looked at again just before it is discarded; when somebody was faster, the \
            new one is withdrawn.
            """)

    @Argument(help: ArgumentHelp("Job number, key or node.", valueName: "job"))
    var reference: String

    @Option(
        help: ArgumentHelp("Take the new body from here; -: from standard input.", valueName: "file"),
        completion: .file())
    var file: String?

    @Flag(help: "Only say what would be changed.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let edit = try await begin()
        guard let text = try await newText(for: edit) else { return say("unchanged", edit, []) }
        let changes = edit.changes(to: text)
        if dryRun { return say("would be edited", edit, changes) }
        if !yes {
            for line in changes { Terminal.errors.line("  \(line)") }
            guard try Confirmation.ask("put job \(edit.job.reference) anew like this, and discard the old one?") else {
                throw Complaint("nothing was done")
            }
        }
        let result = try await withFailures { reader, _ in try await edit.replace(with: text, reader) }
        switch result {
        case .replaced(let id): say("edited", edit, changes, new: id)
        case .skipped(let why):
            throw Complaint("job \(edit.job.reference) was left alone: \(why); nothing was changed")
        case .failed(let why): throw Complaint("\(why); nothing was changed", .broker)
        case .doubled(let id, let why):
            throw Complaint(
                lines: [
                    "job \(id) with the new body is in the queue, but job \(edit.job.reference) was not discarded: \(why)",
                    "see `cirrata failed show \(edit.job.reference)`: if it is still there, discard it",
                ], .failed)
        }
    }

    private func begin() async throws -> FailedJobEdit {
        let beginning = try await withFailures { reader, configuration in
            let job = try BulkOptions.one(
                reference, try await reader.survey(ReportSelection(stale: true, mentions: [reference])))
            let providers = configuration.providerSettings.map(\.name)
            return try await FailedJobEdit.begin(
                job, reader, tubes: try WorkerTubes(configuration.tubes, providers: providers),
                body: JobBody(labDomain: configuration.labDomain, providers: providers))
        }
        switch beginning {
        case .ready(let edit): return edit
        case .changed(let why): throw Complaint("job \(reference): \(why); nothing was done")
        }
    }

    private func withFailures<Result: Sendable>(
        _ body: @escaping @Sendable (ReportReader, SiteConfiguration) async throws -> Result
    ) async throws -> Result {
        try await withQueue(site) { broker, configuration, world in
            try await body(ReportReader(broker: broker, tubes: configuration.tubes, world: world), configuration)
        }
    }

    // MARK: The text

    /// - Returns: a body that a worker would take; nil when it is the old one.
    private func newText(for edit: FailedJobEdit) async throws -> [UInt8]? {
        if let file {
            let text =
                file == "-"
                ? try InputText.standardInput()
                : try await withWorld { try await $0.files.read(file, limit: InputText.limit) }
            if text == edit.body { return nil }
            let problems = edit.problems(in: text, source: file == "-" ? "standard input" : file)
            guard problems.isEmpty else { throw Complaint(lines: problems.map(\.description), .failed) }
            return text
        }
        return try edited(edit)
    }

    private func edited(_ edit: FailedJobEdit) throws -> [UInt8]? {
        let editor = TextEditor(HostIdentity.current().environment)
        let name = "job-\(edit.job.reference).yaml"
        var text = edit.body
        while true {
            text = try editor.edit(text, named: name)
            if text == edit.body { return nil }
            let problems = edit.problems(in: text, source: name)
            if problems.isEmpty { return text }
            let lines = problems.map(\.description)
            guard Confirmation.isPossible else { throw Complaint(lines: lines, .failed) }
            for line in lines.flatMap(Printable.lines) { Terminal.errors.line("cirrata: \(line)") }
            guard try Confirmation.ask("edit it again?", default: true) else { throw Complaint("nothing was done") }
        }
    }

    // MARK: What became of it

    private func say(_ event: String, _ edit: FailedJobEdit, _ changes: [String], new: JobID? = nil) {
        let report = edit.job.report
        guard !output.json else {
            var members: JSONObject = [
                "event": .string(event), "job": .integer(Int(clamping: report.jobID)), "node": .string(report.node),
                "key": .string(report.key), "changes": .array(changes.map { .string($0) }),
            ]
            if let new { members["new_job"] = .integer(Int(clamping: new.number)) }
            return Terminal.output.line(JSONValue.object(members).text)
        }
        let node = report.node.isEmpty ? "-" : report.node
        let follower = new.map { ": job \($0) now" } ?? ""
        Terminal.output.line("\(event) \(edit.job.reference) \(node)\(follower)")
        for change in changes { Terminal.output.line("  \(change)") }
    }
}
