import ArgumentParser
import Configuration
import HTTPKit
import WorkerCore
import World

struct TubesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tubes", abstract: "Shows the queue at a glance: a line for each tube of ours.",
        discussion: """
            WAITING counts connections that wait for a job of the tube, OLDEST is how long ago its next ready job was put. \
            Looking changes nothing in the broker. With --watch, changes since the last look stand in brackets.

            JSON: for each tube an object with event "tube", tube, ready, reserved, delayed, buried, waiting, \
            pause_left_seconds, hindrances (why its ready jobs are not taken) and oldest_ready_seconds (where one is ready); then one with event "summary", \
            buried_elsewhere and draining.
            """)

    @Flag(help: "Look again and again, until Ctrl-C.")
    var watch = false

    @Option(
        help: ArgumentHelp("How long between two looks.", valueName: "duration"), transform: ArgumentText.duration)
    var interval = Duration.seconds(2)

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if interval < .milliseconds(100) { throw ValidationError("--interval takes 100ms or more") }
    }

    func run() async throws {
        let (watch, interval, json) = (watch, interval, output.json)
        try await withQueue(site) { broker, configuration, world in
            let reader = try QueueReader(broker: broker, tubes: configuration.tubes, world: world)
            var before: QueueView?
            while true {
                let view = try await reader.view()
                let text = TubesText(view, since: before, isWatched: watch, now: world.time.wallClock)
                if watch, !json { Terminal.output.clear() }
                for line in json ? text.json : text.lines(for: .output) { Terminal.output.line(line) }
                guard watch else { return }
                before = view
                try await world.time.sleep(for: interval)
            }
        }
    }
}
