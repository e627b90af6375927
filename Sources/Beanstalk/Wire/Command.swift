/// Everything that a client can say to beanstalkd 1.12 and 1.13 (protocol.txt; `reserve-job` since 1.12).
package enum Command: Sendable, Hashable {
    case put(priority: UInt32, delay: WireSeconds, ttr: WireSeconds, body: [UInt8])
    case use(TubeName)
    /// Waits for ever: nothing bounds it but closing the connection (facts A3, A5). `reserveWithTimeout` is what to send.
    case reserve
    case reserveWithTimeout(WireSeconds)
    case reserveJob(JobID)
    case delete(JobID)
    case release(JobID, priority: UInt32, delay: WireSeconds)
    case bury(JobID, priority: UInt32)
    case touch(JobID)
    case watch(TubeName)
    case ignore(TubeName)
    case peek(JobID)
    /// These three look at the *used* tube, not at the watched ones (fact F1).
    case peekReady
    case peekDelayed
    case peekBuried
    /// Kicks buried jobs of the used tube, or, if there are none, delayed ones (fact F3).
    case kick(bound: UInt32)
    case kickJob(JobID)
    case statsJob(JobID)
    case statsTube(TubeName)
    case stats
    case listTubes
    case listTubeUsed
    case listTubesWatched
    case pauseTube(TubeName, WireSeconds)
    case quit

    /// The broker's `-z` allows no more (fact G1); what a given broker accepts is `max-job-size` in its statistics.
    package static let largestBody = 1 << 30

    /// Why this command must not be sent, if there is a reason.
    package var fault: String? {
        guard case .put(_, _, _, let body) = self, body.count > Self.largestBody else { return nil }
        return "the body has \(body.count) bytes, no broker takes more than \(Self.largestBody)"
    }

    /// Adds the bytes of this command. A line never exceeds the broker's 224 bytes (fact A9): the longest one is
    /// `pause-tube`, a name of 200 bytes and ten digits, which makes exactly 224.
    package func encode(into out: inout [UInt8]) {
        out += name.rawValue.utf8
        switch self {
        case .put(let priority, let delay, let ttr, let body):
            for number in [UInt64(priority), UInt64(delay.count), UInt64(ttr.count), UInt64(body.count)] {
                Self.append(number, to: &out)
            }
            out.append(UInt8(ascii: "\r"))
            out.append(UInt8(ascii: "\n"))
            out += body
        case .use(let tube), .watch(let tube), .ignore(let tube), .statsTube(let tube):
            Self.append(tube, to: &out)
        case .reserveWithTimeout(let seconds):
            Self.append(UInt64(seconds.count), to: &out)
        case .reserveJob(let id), .delete(let id), .touch(let id), .peek(let id), .kickJob(let id), .statsJob(let id):
            Self.append(id.number, to: &out)
        case .release(let id, let priority, let delay):
            Self.append(id.number, to: &out)
            Self.append(UInt64(priority), to: &out)
            Self.append(UInt64(delay.count), to: &out)
        case .bury(let id, let priority):
            Self.append(id.number, to: &out)
            Self.append(UInt64(priority), to: &out)
        case .kick(let bound):
            Self.append(UInt64(bound), to: &out)
        case .pauseTube(let tube, let seconds):
            Self.append(tube, to: &out)
            Self.append(UInt64(seconds.count), to: &out)
        case .reserve, .peekReady, .peekDelayed, .peekBuried, .stats, .listTubes, .listTubeUsed, .listTubesWatched,
            .quit:
            break
        }
        out.append(UInt8(ascii: "\r"))
        out.append(UInt8(ascii: "\n"))
    }

    private static func append(_ tube: TubeName, to out: inout [UInt8]) {
        out.append(UInt8(ascii: " "))
        out += tube.text.utf8
    }

    /// A space and the number, without a `String` between: this runs once per pipelined command.
    private static func append(_ number: UInt64, to out: inout [UInt8]) {
        out.append(UInt8(ascii: " "))
        let start = out.count
        var rest = number
        repeat {
            out.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        out[start...].reverse()
    }

    package var bytes: [UInt8] {
        var out: [UInt8] = []
        encode(into: &out)
        return out
    }
}

extension Command {
    package enum Name: String, Sendable, Hashable, CaseIterable {
        case put, use, reserve, delete, release, bury, touch, watch, ignore, peek, kick, stats, quit
        case reserveWithTimeout = "reserve-with-timeout"
        case reserveJob = "reserve-job"
        case peekReady = "peek-ready"
        case peekDelayed = "peek-delayed"
        case peekBuried = "peek-buried"
        case kickJob = "kick-job"
        case statsJob = "stats-job"
        case statsTube = "stats-tube"
        case listTubes = "list-tubes"
        case listTubeUsed = "list-tube-used"
        case listTubesWatched = "list-tubes-watched"
        case pauseTube = "pause-tube"
    }

    package var name: Name {
        switch self {
        case .put: .put
        case .use: .use
        case .reserve: .reserve
        case .reserveWithTimeout: .reserveWithTimeout
        case .reserveJob: .reserveJob
        case .delete: .delete
        case .release: .release
        case .bury: .bury
        case .touch: .touch
        case .watch: .watch
        case .ignore: .ignore
        case .peek: .peek
        case .peekReady: .peekReady
        case .peekDelayed: .peekDelayed
        case .peekBuried: .peekBuried
        case .kick: .kick
        case .kickJob: .kickJob
        case .statsJob: .statsJob
        case .statsTube: .statsTube
        case .stats: .stats
        case .listTubes: .listTubes
        case .listTubeUsed: .listTubeUsed
        case .listTubesWatched: .listTubesWatched
        case .pauseTube: .pauseTube
        case .quit: .quit
        }
    }

    package var job: JobID? {
        switch self {
        case .reserveJob(let id), .delete(let id), .release(let id, _, _), .bury(let id, _), .touch(let id),
            .peek(let id), .kickJob(let id), .statsJob(let id):
            id
        default:
            nil
        }
    }

    package var tube: TubeName? {
        switch self {
        case .use(let tube), .watch(let tube), .ignore(let tube), .statsTube(let tube), .pauseTube(let tube, _): tube
        default: nil
        }
    }

    /// Whether the broker may hand us a job as the answer.
    package var reserves: Bool { name == .reserve || name == .reserveWithTimeout || name == .reserveJob }

    /// Whether the broker may hold back the answer, and with it all later ones, until a job comes (fact A1).
    package var blocks: Bool {
        switch self {
        case .reserve: true
        case .reserveWithTimeout(let seconds): seconds.count > 0
        default: false
        }
    }
}
