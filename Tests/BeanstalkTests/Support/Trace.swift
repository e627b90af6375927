import Beanstalk
import Testing
import World

/// A conversation with a `ConnectionMachine`, written down step by step with what is expected of each.
struct Trace {
    struct Step: Sendable {
        fileprivate enum Kind {
            case send(String, Command)
            case refuse(String, Command)
            case receive(String)
            case cancel(String)
            case end(ConnectionEnd)
        }

        fileprivate let kind: Kind
        fileprivate let expected: [String]
    }

    @resultBuilder enum Builder {
        static func buildBlock(_ steps: [Step]...) -> [Step] { steps.flatMap { $0 } }
        static func buildExpression(_ step: Step) -> [Step] { [step] }
        static func buildEither(first steps: [Step]) -> [Step] { steps }
        static func buildEither(second steps: [Step]) -> [Step] { steps }
    }

    static func send(_ label: String, _ command: Command) -> Step {
        Step(kind: .send(label, command), expected: [])
    }

    static func refuse(_ label: String, _ command: Command, _ cause: String) -> Step {
        Step(kind: .refuse(label, command), expected: ["\(label): refused \(cause)"])
    }

    static func receive(_ text: String, _ expected: String...) -> Step {
        Step(kind: .receive(text), expected: expected)
    }

    static func cancel(_ label: String, _ expected: String...) -> Step {
        Step(kind: .cancel(label), expected: expected)
    }

    static func end(_ reason: ConnectionEnd, _ expected: String...) -> Step {
        Step(kind: .end(reason), expected: expected)
    }

    private let steps: [Step]

    init(@Builder _ steps: () -> [Step]) {
        self.steps = steps()
    }

    /// Runs it whole, byte by byte, and once for every place at which one of the broker's messages can be cut.
    func run(sourceLocation: SourceLocation = #_sourceLocation) {
        let longest = steps.map { step in if case .receive(let text) = step.kind { wire(text).count } else { 0 } }
        play(sourceLocation) { [$0] }
        play(sourceLocation) { $0.map { [$0] } }
        for cut in 1..<max(2, longest.max() ?? 0) {
            play(sourceLocation) { $0.count > cut ? [Array($0[..<cut]), Array($0[cut...])] : [$0] }
        }
    }

    private func play(_ location: SourceLocation, _ cut: ([UInt8]) -> [[UInt8]]) {
        var machine = ConnectionMachine<String>(replyTimeout: .seconds(10))
        var tickets: [String: UInt64] = [:]
        let now = Moment(nanoseconds: 0)
        for step in steps {
            var seen: [String] = []
            switch step.kind {
            case .send(let label, let command), .refuse(let label, let command):
                let ticket = machine.newTicket()
                tickets[label] = ticket
                var bytes: [UInt8] = []
                if let cause = machine.submit(command, ticket, for: label, at: now, writing: &bytes) {
                    seen.append("\(label): refused \("\(cause)".prefix { $0 != "(" })")
                }
                #expect(bytes == (seen.isEmpty ? command.bytes : []), sourceLocation: location)
            case .receive(let text):
                for piece in cut(wire(text)) {
                    for action in machine.received(piece, at: now) { seen += Self.describe(action) }
                }
            case .cancel(let label):
                switch machine.cancelled(tickets[label] ?? 0) {
                case .nothing: seen.append("nothing")
                case .forget(let waiter): seen.append("\(waiter): forgotten")
                case .close(let reason, let waiter, let others):
                    seen.append("\(waiter): cancelled")
                    seen += Self.describe(.close(reason, others))
                }
            case .end(let reason):
                if let action = machine.ended(reason) { seen += Self.describe(action) }
            }
            #expect(seen == step.expected, sourceLocation: location)
        }
    }

    private static func describe(_ action: ConnectionMachine<String>.Action) -> [String] {
        switch action {
        case .answer(let waiter, let reply):
            return ["\(waiter): \(reply.keyword)"]
        case .close(let reason, let waiters):
            return ["close: \(Self.kind(reason))"] + waiters.map { "\($0): failed" }
        }
    }

    private static func kind(_ reason: ConnectionEnd) -> String {
        switch reason {
        case .endedByBroker: "endedByBroker"
        case .network: "network"
        case .silent: "silent"
        case .desynchronised: "desynchronised"
        case .violation: "violation"
        case .reserveCancelled: "reserveCancelled"
        case .gaveBack: "gaveBack"
        case .tokenDropped: "tokenDropped"
        case .finished: "finished"
        }
    }
}
