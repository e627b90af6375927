import ArgumentParser
import Glibc
import Scenarios
import Simulation
import World

/// Runs scenarios on all cores and reports the first that breaks an invariant.
@main
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Play provisions and destroys against everything that can go wrong, in virtual time.",
        discussion: """
            A scenario is a number. Half of them try, for every request of eight jobs, each of 23 faults, once and for \
            ever, and for every effect each of 26 blows; the other half is drawn by chance, with several jobs of one \
            node and several troubles. After each, the invariants I1 to I8 of the README are checked from the outside. \
            Every hundredth is played twice and must give the same trace.
            """)

    @Option(help: "The number of the first scenario.")
    var seed: UInt64 = 0
    @Option(help: "How many scenarios.")
    var scenarios: UInt64 = 50_000
    @Option(help: "Go on for so many minutes instead, through the night for example.")
    var minutes: Int?
    @Option(help: "fifo or shuffled: the order in which ready work is run, instead of each scenario's own.")
    var order: Order?
    @Option(help: "Threads; by default one for each core.")
    var threads: Int = coresOnline()
    @Flag(help: "Print everything that happens, line by line: for one scenario.")
    var trace = false
    @Flag(help: "Count all failures instead of ending at the first, and print each in a line.")
    var keepGoing = false

    enum Order: String, ExpressibleByArgument, CaseIterable {
        case fifo, shuffled
    }

    func run() async throws {
        let campaign = Campaign(order: order.map { $0 == .fifo ? .fifo : .shuffled })
        if trace {
            try show(campaign)
            return
        }
        let clock = ContinuousClock()
        let began = clock.now
        let deadline = minutes.map { began + .seconds($0 * 60) }
        let end = deadline == nil ? seed + scenarios : UInt64.max
        let next = Locked(seed)
        let failed = Locked(false)
        let keepGoing = keepGoing
        let tally = await withTaskGroup(of: Tally.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    var tally = Tally()
                    while let number = Self.take(next, before: end), deadline.map({ clock.now < $0 }) ?? true {
                        if failed.withLock({ $0 }), !keepGoing { break }
                        let (scenario, verdict, replayed) = campaign.play(number)
                        tally.add(number, scenario, verdict, replayed: replayed)
                        guard !verdict.violations.isEmpty else { continue }
                        failed.withLock { $0 = true }
                        guard keepGoing else { continue }
                        print("\(number): \(scenario): \(verdict.violations.joined(separator: "; "))")
                        // Into a file, too, at once: nights are looked at while they last.
                        fflush(nil)
                    }
                    return tally
                }
            }
            return await group.reduce(into: Tally()) { $0.add($1) }
        }
        Summary(tally: tally, campaign: campaign, took: clock.now - began).print()
        if tally.failures > 0 { throw ExitCode.failure }
    }

    private static func take(_ next: Locked<UInt64>, before end: UInt64) -> UInt64? {
        next.withLock { next in
            guard next < end else { return nil }
            defer { next += 1 }
            return next
        }
    }

    private func show(_ campaign: Campaign) throws {
        let scenario = campaign[seed]
        print(scenario)
        let verdict = Performance.run(scenario, keepsTrace: true)
        for line in verdict.trace { print(line) }
        print("outcomes: \(verdict.outcomes.joined(separator: ", "))")
        for violation in verdict.violations { print("VIOLATION \(violation)") }
        if !verdict.violations.isEmpty { throw ExitCode.failure }
    }
}

/// Cores that are there for us.
private func coresOnline() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
