import ArgumentParser
import Beanstalk
import Configuration
import EventLoop
import HTTPKit
import Jobs
import Provisioning
import WorkerCore
import World

struct FailedUndoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo",
        abstract: "Removes what failed jobs left behind, where their own removal was not finished.",
        discussion: """
            What there is of each job is looked up first and shown; you are asked before anything goes, unless --yes. Only \
            what was shown is removed, and right before each act the job is looked at again: one that somebody kicked \
            meanwhile is left alone. What a newer job of the node built stays, and so does all of a job that was finished by \
            another delivery. The jobs stay buried, and their reports say what is left now: retry or discard them.

            With filters or --all, only jobs that left something are meant. Ctrl-C stops before the next act; a second one \
            ends at once. Exit code 0 only if nothing is left.
            """)

    @OptionGroup var options: BulkOptions
    @OptionGroup var site: SiteOptions

    @Flag(name: .shortAndLong, help: "Show every request.")
    var verbose = false

    @OptionGroup var output: OutputOptions

    private struct Seen: Sendable {
        var job: FailedJob
        var look: FailedJobUndo.Look

        var leftovers: Leftovers? { if case .found(let leftovers) = look { leftovers } else { nil } }
    }

    func run() async throws {
        let seen = try await look()
        let text = UndoText(json: output.json)
        if options.dryRun {
            for item in seen { text.preview(item.job, item.look) }
            return
        }
        let doable = seen.filter { $0.leftovers.map { !$0.labels.isEmpty } ?? false }
        if !options.yes, !doable.isEmpty {
            let person = UndoText(json: false, terminal: .errors)
            for item in doable { person.preview(item.job, item.look) }
            guard try Confirmation.ask("remove this?") else { throw Complaint("nothing was done") }
        }
        let ends = try await undo(seen, text)
        text.summary(ends, of: seen.count)
        if ends.count(where: { $0.result == .done }) < seen.count { throw ExitCode(.failed) }
    }

    private func look() async throws -> [Seen] {
        try await withLoop { world, loop in
            let configuration = try await site.load(world)
            return try await Interruption.once(on: loop) {
                let reader = try ReportReader(
                    broker: Broker(configuration.broker, world: world), tubes: configuration.tubes, world: world)
                let now = world.time.wallClock
                let survey = try await reader.survey(options.selection(now: now, whole: true))
                var jobs = try options.chosen(of: survey, now: now)
                if options.references.isEmpty { jobs = jobs.filter(\.mayHaveLeft) }
                let undo = FailedJobUndo(
                    reader, site: try Site(configuration, world: world),
                    settings: try WorkerSettings(configuration, release: Release.text), sinks: [], drain: Signal())
                var seen: [Seen] = []
                for job in jobs { seen.append(Seen(job: job, look: try await undo.look(at: job))) }
                return seen
            }
        }
    }

    /// - Returns: how those ended that were reached.
    private func undo(_ seen: [Seen], _ text: UndoText) async throws -> [FailedJobUndo.End] {
        try await withLoop { world, loop in
            // Its warnings were shown with the look.
            let configuration = try await site.read(world).configuration
            let drain = Signal<Void>()
            let display = StepDisplay(on: output.json ? .errors : .output, showsRequests: verbose, time: world.time)
            let undo = FailedJobUndo(
                try ReportReader(
                    broker: Broker(configuration.broker, world: world), tubes: configuration.tubes, world: world),
                site: try Site(configuration, world: world) { display.tell($0) },
                settings: try WorkerSettings(configuration, release: Release.text), sinks: [display], drain: drain)
            return try await Interruption.twice(on: loop) {
                Terminal.errors.line("cirrata: stopping before the next act; once more ends at once")
                drain.raise(())
            } _: {
                try await display.alive {
                    var ends: [FailedJobUndo.End] = []
                    for item in seen where !drain.isRaised {
                        if !ends.isEmpty, options.pause > .zero { try await world.time.sleep(for: options.pause) }
                        let end =
                            switch item.look {
                            case .found(let leftovers): try await undo.perform(on: item.job, seen: leftovers)
                            case .not(let result): FailedJobUndo.End(result: result)
                            }
                        text.end(item.job, end)
                        ends.append(end)
                    }
                    return ends
                }
            }
        }
    }
}
