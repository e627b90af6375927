import World

extension BrokerScript {
    /// A long conversation by a seed: every command that does not hang on time, on three connections and three tubes,
    /// with jobs of any state, connections that end, drain mode, and restarts.
    ///
    /// Times to run and delays are longer than the test, and what is left of them is not compared.
    static func random(seed: UInt64) -> BrokerScript {
        var writer = RandomScriptWriter(random: SplitMix(seed: seed))
        return BrokerScript(
            name: "random \(seed)", isPersistent: seed % 3 != 0, maximumJobSize: seed % 5 == 0 ? 6 : nil,
            hidden: ["age", "time-left", "pause-time-left"], steps: writer.write(commands: 250))
    }
}

private struct RandomScriptWriter {
    var random: SplitMix
    private var isDraining = false
    /// Ids that puts may have used so far, with those of failed ones.
    private var puts = 0

    private static let connections = ["a", "b", "c"]
    private static let tubes = ["default", "t1", "t2"]
    private static let priorities = [0, 1, 1_023, 1_024, 4_294_967_295]

    init(random: SplitMix) {
        self.random = random
    }

    mutating func write(commands: Int) -> [BrokerScript.Step] {
        var steps = Self.connections.flatMap { open($0) }
        for index in 1...commands {
            steps += event()
            let line = command()
            steps += BrokerScript.Step.say(pick(Self.connections), line)
            // `pause-tube 0` ends a pause a moment later.
            if line.hasSuffix(" 0"), line.hasPrefix("pause") { steps.append(.wait(.milliseconds(20))) }
            if index % 40 == 0 { steps += audit() }
        }
        return steps + audit()
    }

    /// The kernel connects before the broker has accepted: only an answer says so.
    private func open(_ connection: String) -> [BrokerScript.Step] {
        [.open(connection)] + BrokerScript.Step.say(connection, "list-tube-used")
    }

    /// Everything that can be known.
    private mutating func audit() -> [BrokerScript.Step] {
        let jobs = (1...max(1, puts)).map { "stats-job \($0)" }
        return BrokerScript.Step.say("a", "list-tubes", "stats")
            + (Self.tubes.map { "stats-tube \($0)" } + jobs).flatMap { BrokerScript.Step.say("a", $0) }
    }

    /// What may happen before a command.
    private mutating func event() -> [BrokerScript.Step] {
        switch random.next() % 100 {
        case 0, 1, 2:
            let connection = pick(Self.connections)
            return [.close(connection)] + open(connection)
        case 3:
            if isDraining { return [] }
            isDraining = true
            return [.drain, .wait(.milliseconds(20))]
        case 4, 5:
            isDraining = false
            // Ids begin again where nothing is kept: later commands name them all the same.
            return [.restart] + Self.connections.flatMap { open($0) }
        default:
            return []
        }
    }

    private mutating func command() -> String {
        switch random.next() % 24 {
        case 0, 1, 2, 3, 4:
            puts += 1
            let body = String(repeating: "x", count: Int(random.next() % 8))
            return "put \(pick(Self.priorities)) \(pick([0, 0, 0, 100, 300])) 600 \(body.utf8.count)\r\n\(body)"
        case 5, 6, 7, 8: return "reserve-with-timeout 0"
        case 9: return "reserve-job \(job())"
        case 10, 11: return "release \(job()) \(pick(Self.priorities)) \(pick([0, 200]))"
        case 12, 13: return "bury \(job()) \(pick(Self.priorities))"
        case 14: return "delete \(job())"
        case 15: return "touch \(job())"
        case 16: return "kick \(random.next() % 3)"
        case 17: return "kick-job \(job())"
        case 18: return "use \(pick(Self.tubes))"
        case 19: return "watch \(pick(Self.tubes))"
        case 20: return "ignore \(pick(Self.tubes))"
        case 21: return "pause-tube \(pick(Self.tubes)) \(pick([0, 0, 500]))"
        case 22: return pick(["peek-ready", "peek-delayed", "peek-buried", "peek \(job())"])
        default: return pick(["list-tubes", "list-tubes-watched", "list-tube-used", "stats-tube \(pick(Self.tubes))"])
        }
    }

    /// Mostly a recent one.
    private mutating func job() -> Int {
        let back = random.next() % 3 == 0 ? random.next() % 40 : random.next() % 8
        return max(1, puts - Int(back))
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int(random.next() % UInt64(values.count))]
    }
}
