import DequeModule
import World

/// One client as beanstalkd sees it.
struct BrokerConnection: Sendable {
    enum Phase: Sendable {
        case command
        /// A line beyond 224 bytes is thrown away up to its end (facts A9).
        case swallowingLine
        case body(Put)
        /// The body of a refused put is thrown away before the refusal is sent (facts G1).
        case swallowing(Int, reply: String)
        /// In a reserve: nothing behind it is looked at (facts A1).
        case waiting(id: UInt64)
        case closed
    }

    struct Put: Sendable {
        var id: UInt64
        var priority: UInt32
        var delay: UInt32
        var timeToRun: UInt32
        var size: Int
    }

    static let lineLimit = 224

    let id: UInt64
    var phase = Phase.command
    var input = Deque<UInt8>()
    var use = "default"
    var watch = SwapBag<String>()
    /// Jobs that it holds, in the order of their reservation.
    var reserved: [UInt64] = []
    var isProducer = false
    var isWorker = false

    init(id: UInt64) {
        self.id = id
    }

    var isWaiting: Bool { if case .waiting = phase { true } else { false } }

    /// The next command line without its end; nil when none is complete. Like the server it looks at the first carriage
    /// return only, and in pieces of 224 bytes.
    mutating func nextLine() -> Line? {
        while true {
            let window = min(input.count, Self.lineLimit)
            if let end = lineEnd(within: window) {
                let line = Array(input.prefix(end))
                input.removeFirst(end + 2)
                if case .swallowingLine = phase {
                    phase = .command
                    return .tooLong
                }
                return .command(line)
            }
            guard window == Self.lineLimit else { return nil }
            input.removeFirst(window)
            phase = .swallowingLine
        }
    }

    enum Line {
        case command([UInt8])
        case tooLong
    }

    private func lineEnd(within window: Int) -> Int? {
        guard window > 1 else { return nil }
        for index in 0..<(window - 1) where input[index] == UInt8(ascii: "\r") {
            return input[index + 1] == UInt8(ascii: "\n") ? index : nil
        }
        return nil
    }
}
