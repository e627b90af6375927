import Scenarios
import World

/// What is printed at the end.
struct Summary {
    let tally: Tally
    let campaign: Campaign
    let took: Duration

    /// Lines of the trace that are shown of a failure.
    private static let tail = 150

    func print() {
        let rate = took > .zero ? Double(tally.scenarios) / took.seconds : 0
        Swift.print(
            "\(tally.scenarios) scenarios in \(took.short) (\(Int(rate)) a second), \(tally.replays) of them twice; "
                + "\(campaign.systematic) systematic ones exist")
        Swift.print("\(tally.requests) requests, \(hours(tally.virtualTime)) hours of virtual time")
        Swift.print("what happened: \(list(tally.acts))")
        Swift.print("how jobs ended: \(list(tally.outcomes))")
        guard let failure = tally.firstFailure else {
            Swift.print("all invariants held")
            return
        }
        Swift.print("")
        Swift.print("FAILED: \(tally.failures) broke an invariant; the first is number \(failure.number)")
        Swift.print("  \(failure.scenario)")
        for violation in failure.verdict.violations { Swift.print("  \(violation)") }
        Swift.print("  outcomes: \(failure.verdict.outcomes.joined(separator: ", "))")
        let lines = Performance.run(failure.scenario, keepsTrace: true).trace
        Swift.print("  the end of its trace (all of it: ops/simulate --seed \(failure.number) --trace):")
        for line in lines.suffix(Self.tail) { Swift.print("    \(line)") }
    }

    private func hours(_ duration: Duration) -> Int { Int(duration.seconds / 3_600) }

    private func list(_ counts: [String: Int]) -> String {
        counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }
            .joined(separator: ", ")
    }
}
