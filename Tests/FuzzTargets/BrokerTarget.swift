import Beanstalk
import World

/// What a peer on beanstalkd's port may say. The first line holds a letter for each command sent before, the rest is
/// what comes back.
enum BrokerTarget {
    static func check(_ input: [UInt8]) throws {
        let (letters, bytes) = input.firstLine
        try checkParser(bytes)
        try checkConnection(asking: letters.utf8.prefix(40).compactMap(command), bytes)
        checkDocuments(bytes)
    }

    // MARK: Parser

    private struct Outcome: Equatable {
        var replies: [Reply] = []
        var violation: ProtocolViolation?
    }

    private static func checkParser(_ bytes: [UInt8]) throws {
        let outcomes = try Pieces.all(of: bytes).map(parse)
        for outcome in outcomes { try require(outcome == outcomes[0], "\(outcome) is not \(outcomes[0])") }
        let yielded = outcomes[0].replies.reduce(0) { $0 + size(of: $1) }
        try require(yielded <= bytes.count, "\(yielded) bytes came out of \(bytes.count)")
    }

    private static func parse(_ pieces: [[UInt8]]) throws -> Outcome {
        var parser = ReplyParser(bodyLimit: 1 << 16)
        var outcome = Outcome()
        for piece in pieces {
            parser.append(piece)
            do {
                while let reply = try parser.next() { outcome.replies.append(reply) }
                try require(outcome.violation == nil, "it went on after \(outcome.violation?.description ?? "")")
            } catch let violation as ProtocolViolation {
                try require(
                    outcome.violation == nil || outcome.violation == violation, "two violations: \(violation)")
                outcome.violation = violation
                try requireOneLine(violation.description)
            }
        }
        return outcome
    }

    /// At least this many bytes were needed for a reply.
    private static func size(of reply: Reply) -> Int {
        let body =
            switch reply {
            case .reserved(let job), .found(let job): job.body.count
            case .ok(let bytes): bytes.count
            default: 0
            }
        return body + reply.keyword.utf8.count + 2
    }

    // MARK: Connection

    private struct Talk: Equatable {
        var answers: [Int: Reply] = [:]
        /// In the order in which they were told.
        var answered: [Int] = []
        var abandoned: [Int] = []
        var isClosed = false
    }

    private static func checkConnection(asking commands: [Command], _ bytes: [UInt8]) throws {
        var first: Talk?
        for pieces in Pieces.all(of: bytes) {
            let talk = try converse(commands, pieces)
            try require(talk == first ?? talk, "other pieces, other answers: \(talk) and \(first ?? talk)")
            first = talk
        }
    }

    private static func converse(_ commands: [Command], _ pieces: [[UInt8]]) throws -> Talk {
        var machine = ConnectionMachine<Int>(replyTimeout: .seconds(30), bodyLimit: 1 << 16)
        var now = Moment(nanoseconds: 0)
        var asked: [Int] = []
        for (number, command) in commands.enumerated() {
            var out: [UInt8] = []
            if machine.submit(command, machine.newTicket(), for: number, at: now, writing: &out) == nil {
                asked.append(number)
            } else {
                try require(out.isEmpty, "a refused command was written")
            }
        }
        var talk = Talk()
        for piece in pieces {
            now = now + .seconds(1)
            try take(machine.received(piece, at: now), &talk)
        }
        if let action = machine.silence(at: .distantFuture) { try take([action], &talk) }
        try require(
            talk.answered + talk.abandoned == (talk.isClosed ? asked : Array(asked.dropLast(machine.inFlight))),
            "asked \(asked), answered \(talk.answered), abandoned \(talk.abandoned)")
        return talk
    }

    private static func take(_ actions: [ConnectionMachine<Int>.Action], _ talk: inout Talk) throws {
        for action in actions {
            try require(!talk.isClosed, "something was done after the close")
            switch action {
            case .answer(let number, let reply):
                talk.answers[number] = reply
                talk.answered.append(number)
            case .close(let end, let waiting):
                try requireOneLine(end.description)
                talk.abandoned = waiting
                talk.isClosed = true
            }
        }
    }

    private static func command(_ letter: UInt8) -> Command? {
        let tube = TubeName.standard
        switch letter {
        case UInt8(ascii: "p"): return .put(priority: 1, delay: WireSeconds(0), ttr: WireSeconds(60), body: [])
        case UInt8(ascii: "u"): return .use(tube)
        case UInt8(ascii: "r"): return .reserveWithTimeout(WireSeconds(5))
        case UInt8(ascii: "R"): return .reserve
        case UInt8(ascii: "j"): return .reserveJob(JobID(1))
        case UInt8(ascii: "d"): return .delete(JobID(1))
        case UInt8(ascii: "l"): return .release(JobID(1), priority: 1, delay: WireSeconds(0))
        case UInt8(ascii: "b"): return .bury(JobID(1), priority: 1)
        case UInt8(ascii: "t"): return .touch(JobID(1))
        case UInt8(ascii: "w"): return .watch(tube)
        case UInt8(ascii: "i"): return .ignore(tube)
        case UInt8(ascii: "k"): return .peek(JobID(1))
        case UInt8(ascii: "y"): return .peekReady
        case UInt8(ascii: "c"): return .kick(bound: 1)
        case UInt8(ascii: "C"): return .kickJob(JobID(1))
        case UInt8(ascii: "s"): return .stats
        case UInt8(ascii: "S"): return .statsJob(JobID(1))
        case UInt8(ascii: "T"): return .statsTube(tube)
        case UInt8(ascii: "L"): return .listTubes
        case UInt8(ascii: "U"): return .listTubeUsed
        case UInt8(ascii: "P"): return .pauseTube(tube, WireSeconds(1))
        default: return nil
        }
    }

    // MARK: Documents

    /// Bodies of `OK`, and the input itself as one.
    private static func checkDocuments(_ bytes: [UInt8]) {
        var bodies = [bytes]
        var parser = ReplyParser(bodyLimit: 1 << 16)
        parser.append(bytes)
        while case .ok(let body)? = try? parser.next() { bodies.append(body) }
        for body in bodies {
            _ = try? StatisticsDocument.tubes(parsing: body)
            if let job = try? JobStatistics(parsing: body) { _ = (job.age - job.timeLeft).short }
            _ = try? ServerStatistics(parsing: body)
            _ = try? TubeStatistics(parsing: body)
        }
    }
}
