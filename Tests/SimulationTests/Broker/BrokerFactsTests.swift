import Testing

/// Every fact about beanstalkd that a client can observe is in a script that the simulated and the real one play; for
/// every other it is said why not, or what else holds it.
@Suite struct BrokerFactsTests {
    /// How many facts each letter has: connections, time to run, order, counters, persistence, bury and kick, sizes and
    /// names, several servers.
    private static let facts: KeyValuePairs = ["A": 9, "B": 9, "C": 5, "D": 5, "E": 9, "F": 8, "G": 7, "H": 3]

    private static let others: KeyValuePairs = [
        "A5": "keep-alive is between the kernels: BrokerFaultTests.aVanishedHostKeepsItsJobUntilTheTimeToRunIsOver",
        "B8": "no test steps the clock of its host: measured once, BrokerFaultTests.aStepOfTheBrokersClock…",
        "B9": "the real one does it by chance: BrokerFaultTests.silentConnectionsMayKeepWhatRanOut",
        "D4": "advice: ids and counters are no memory",
        "E2": "when the broker calls fsync is not told to clients",
        "E3": "a failed write leaves 1.12 with a job in two queues at once: nothing to be alike to",
        "E9": "a second broker on one folder is not seen by the clients of the first",
        "G7": "there is no command for what is not there",
        "H1": "advice: one server, one queue", "H2": "advice: one server, one queue",
        "H3": "advice: one server, one queue",
    ]

    @Test func everyFactIsHeld() {
        let scripted = Set(BrokerScript.all.flatMap(\.facts))
        let explained = Set(Self.others.map(\.key))
        let all = Self.facts.flatMap { letter, count in (1...count).map { "\(letter)\($0)" } }
        #expect(all.filter { !scripted.contains($0) && !explained.contains($0) } == [])
        #expect(scripted.intersection(explained).sorted() == [])
        #expect(scripted.union(explained).subtracting(all).sorted() == [])
    }
}
