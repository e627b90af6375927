import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Simulation
import World

/// Sees every request that changes something, and what comes of it: the invariants that a look at the end cannot tell.
final class Watch: Sendable {
    private struct Commit {
        var key: String
        /// Of a worker that the broker had given the job to, and to nobody since.
        var isHolders: Bool
    }

    private struct State {
        /// The key on each server and volume that was created.
        var keys: [String: String] = [:]
        /// Of each server and volume of a commit that paddles has taken.
        var committed: [String: Commit] = [:]
        var tokens: Set<String> = []
        var violations: [String] = []
        var lateRequests = 0
        var lateUpdates = 0
        /// What each worker asked to be created, without learning whether it was, and has not looked for since.
        var doubtful: [String: Set<HTTPRequest>] = [:]
        /// The job that each worker spoke of last, if that was a touch, and when that was.
        var touched: [String: (job: UInt64, at: Moment)] = [:]
    }

    /// Requests of one worker that may be on their way at once when it is stopped.
    private static let mostOnTheirWay = 4

    private let bench: Bench
    private let stagehand: Stagehand
    private let producer: Producer
    private let scenery: Scenery
    private let state = Locked(State())

    init(_ bench: Bench, _ stagehand: Stagehand, _ producer: Producer, _ scenery: Scenery) {
        self.bench = bench
        self.stagehand = stagehand
        self.producer = producer
        self.scenery = scenery
    }

    var violations: [String] { state.withLock { $0.violations } }
    /// A stopped worker's request took effect after its lease: only a sweep finds what that left.
    var hadLateRequest: Bool { state.withLock { $0.lateRequests > 0 } }
    /// A stopped worker's write into paddles, decided before the stop, took effect after it: paddles has no conditional
    /// update, so nothing can keep it from overwriting what another job wrote meanwhile.
    var hadLateUpdate: Bool { state.withLock { $0.lateUpdates > 0 } }
    /// Tokens that were sent: none may show anywhere.
    var tokens: Set<String> { state.withLock { $0.tokens } }

    // MARK: Leaving

    /// I5: nothing that changes anything leaves a worker that has not proven lately that the job is still its own.
    func leaves(_ exchange: SimulatedHTTP.Exchange) {
        if let token = exchange.request.headers["X-Auth-Token"] {
            state.withLock { _ = $0.tokens.insert(token) }
        }
        guard Self.changesSomething(exchange.request), let job = bench.events.job(of: exchange.process) else { return }
        let now = bench.simulation.world.time.now
        // In the very moment of the loss the worker has not heard of it yet.
        if stagehand.brokerLostAt == now { return }
        let holder = bench.broker.holder(of: job.jobID)
        let holds = holder?.process == exchange.process
        let isStale = (holder?.renewedAgo ?? .zero) > bench.configuration.lease
        let isThawing = stagehand.thawedAt == now && exchange.process == stagehand.stoppedProcess
        let wasOnItsWay = isThawing && (exchange.askedAt < now || stagehand.lostBrokerWhileStopped)
        if wasOnItsWay, exchange.request.method == .put { state.withLock { $0.lateUpdates += 1 } }
        if holds, !isStale { return }
        if wasOnItsWay {
            let isOneOfFew = state.withLock { state in
                state.lateRequests += 1
                return state.lateRequests <= Self.mostOnTheirWay
            }
            if isOneOfFew { return }
        }
        if stagehand.hidesLosses { return }
        let why = holds ? "last touched \((holder?.renewedAgo ?? .zero).short) ago" : "which it does not hold"
        note("I5 \(exchange.process) sends \(Self.label(exchange)) for job \(job.jobID), \(why)")
    }

    /// Nothing is repeated blindly: between a POST whose fate is unknown and the same again lies a look.
    func met(_ exchange: SimulatedHTTP.Exchange, with delivery: SimulatedHTTP.Delivery) {
        var request = exchange.request
        let isLook = request.method == .get
        if isLook, state.withLock({ $0.doubtful.isEmpty }) { return }
        guard isLook || request.method == .post, Self.concernsResources(request.url) else { return }
        request.headers = [:]
        if isLook {
            state.withLock { $0.doubtful[exchange.process] = nil }
        } else if !request.url.hasSuffix("/action") {
            let isRepeated = state.withLock { $0.doubtful[exchange.process]?.contains(request) == true }
            if isRepeated { note("I4 \(exchange.process) repeats \(Self.label(exchange)) without a look") }
            if delivery.leavesInDoubt {
                state.withLock { _ = $0.doubtful[exchange.process, default: []].insert(request) }
            }
        }
    }

    private static func concernsResources(_ url: String) -> Bool {
        url.utf8.split(separator: UInt8(ascii: "/")).contains { part in
            part.starts(with: "servers".utf8) || part.starts(with: "volumes".utf8)
        }
    }

    private static func changesSomething(_ request: HTTPRequest) -> Bool {
        // nsupdate-web is told by GET; without a name it is only asked whether it is there.
        if request.url.hasPrefix("\(Bench.origin)/nsupdate/") {
            return request.url.hasPrefix("\(Bench.origin)/nsupdate/update?name=")
        }
        // Nova's console is read by a POST.
        if request.body.starts(with: #"{"os-getConsoleOutput""#.utf8) { return false }
        return request.method != .get && request.method != .head && !request.url.hasPrefix("\(Bench.origin)/identity/")
    }

    // MARK: The queue

    /// I1, I5: a job is only settled by who has just proven that it is still his.
    func heard(_ process: String, _ bytes: [UInt8]) {
        let now = bench.simulation.world.time.now
        for line in Self.settlings(in: bytes) {
            let words = line.split(maxSplits: 2) { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }.map {
                String(decoding: Array($0), as: UTF8.self)
            }
            guard words.count > 1, let job = UInt64(words[1]) else { continue }
            switch words[0] {
            case "touch": state.withLock { $0.touched[process] = (job, now) }
            case "delete", "release", "bury":
                guard bench.broker.holder(of: job)?.process == process else { continue }
                // Nothing lies between touch and settling, unless the worker is stopped or cut off there.
                let stoppedAt = process == stagehand.stoppedProcess ? stagehand.stoppedAt : nil
                let wasTouched = state.withLock { state in
                    guard let touch = state.touched.removeValue(forKey: process), touch.job == job else { return false }
                    return touch.at == now || stagehand.hidesLosses || stoppedAt.map { $0 >= touch.at } ?? false
                }
                if !wasTouched { note("I5 \(process) settles job \(job) (\(words[0])) without a touch") }
            default: continue
            }
        }
    }

    /// The lines that may be a touch or a settling: most are others, or parts of a body.
    private static func settlings(in bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
            switch bytes[start] {
            case UInt8(ascii: "t"), UInt8(ascii: "d"), UInt8(ascii: "r"), UInt8(ascii: "b"):
                lines.append(bytes[start..<end])
            default: break
            }
            start = end + 1
        }
        return lines
    }

    // MARK: Answered

    /// What a service did.
    func answered(_ exchange: SimulatedHTTP.Exchange, _ answer: SimulatedAnswer) {
        let request = exchange.request
        if case .response(let response, _) = answer, response.status == 401 { settleDoubt(exchange) }
        guard request.method != .get, case .response(let response, _) = answer, response.isSuccess,
            let job = bench.events.job(of: exchange.process)
        else { return }
        let parts = request.url.utf8.split(separator: UInt8(ascii: "/")).map {
            String(decoding: Array($0), as: UTF8.self)
        }
        let tail = parts.suffix(2)
        switch (request.method, tail.first, tail.last) {
        case (.post, _, "servers"): created(response, "server")
        case (.post, _, "volumes"): created(response, "volume")
        case (.delete, "servers", let id?), (.delete, "volumes", let id?):
            removed(id, by: job, exchange.process)
        case (.put, "nodes", _):
            if let body = try? JSONValue(parsing: request.body), let mac = body["mac_address"]?.string {
                committed(mac, by: job, exchange.process)
            } else if let body = try? JSONValue(parsing: request.body), body["os_type"] == .null {
                tookOver(by: job.key)
            }
        default: break
        }
    }

    /// Refused for want of a token: nothing was done, and the faults leave such an answer as it is.
    private func settleDoubt(_ exchange: SimulatedHTTP.Exchange) {
        var request = exchange.request
        request.headers = [:]
        state.withLock { _ = $0.doubtful[exchange.process]?.remove(request) }
    }

    private func created(_ response: HTTPResponse, _ kind: String) {
        // Nova does not repeat the metadata; the next look at the cloud does.
        guard let body = try? JSONValue(parsing: response.body), let id = body[kind]?["id"]?.string else { return }
        let cloud = cloud
        let metadata = cloud.servers.first { $0.id == id }?.metadata ?? cloud.volumes.first { $0.id == id }?.metadata
        state.withLock { $0.keys[id] = metadata?["cirrata_key"] }
    }

    /// What paddles now describes. A surplus server of the same key is not part of it.
    private func committed(_ mac: String, by job: JobTag, _ process: String) {
        let cloud = cloud
        guard let server = cloud.servers.first(where: { $0.addresses.contains { $0.mac == mac } }) else { return }
        let commit = Commit(key: job.key, isHolders: holds(process, job))
        state.withLock { state in
            for id in [server.id] + server.volumes { state.committed[id] = commit }
        }
    }

    /// A job that takes the node over, or destroys it, clears its record: from then on what stood there is its own to
    /// remove, and no commit protects it.
    private func tookOver(by key: String) {
        state.withLock { state in state.committed = state.committed.filter { $0.value.key == key } }
    }

    private var cloud: CloudSnapshot {
        let now = bench.simulation.world.time.wallClock
        return bench.sandbox.withState { $0.cloud.snapshot(at: now) }
    }

    private func removed(_ id: String, by job: JobTag, _ process: String) {
        let key = job.key
        if scenery.untouchable.contains(id) {
            note("I4 \(key) deletes \(id), which is not ours")
            return
        }
        let (victim, commit) = state.withLock { ($0.keys[id], $0.committed[id]) }
        // Whoever removes what another job committed has the node, even if it dies before it says so in paddles.
        if let commit, commit.key != key { tookOver(by: key) }
        // Two workers have the job, neither knows it, and one of them removes while the other commits.
        let areUnaware = stagehand.hidesLosses && !(holds(process, job) && commit?.isHolders == true)
        if job.action == JobAction.provision.rawValue, commit?.key == key, !areUnaware {
            note("I8 \(key) deletes \(id) after its commit")
        }
        guard let victim else { return }
        if producer.hasReordered || stagehand.hidesLosses { return }
        let order = producer.jobs.map(\.part.uuid)
        if let victimIndex = order.lastIndex(of: victim), let index = order.lastIndex(of: key), victimIndex > index {
            note("I7 \(key) deletes \(id) of \(victim), which is newer")
        }
    }

    private func holds(_ process: String, _ job: JobTag) -> Bool {
        bench.broker.holder(of: job.jobID)?.process == process
    }

    private func note(_ violation: String) {
        state.withLock { $0.violations.append(violation) }
    }

    private static func label(_ exchange: SimulatedHTTP.Exchange) -> String {
        "\(exchange.request.method.rawValue) \(exchange.request.url)"
    }
}

extension SimulatedHTTP.Delivery {
    /// The client cannot know whether the server carried it out.
    fileprivate var leavesInDoubt: Bool {
        switch self {
        case .deliver: false
        case .deliverLate, .instead(.never), .deliverThen, .deliverAndChange: true
        case .instead(.failure(let failure, _)): failure.mayHaveArrived
        case .instead(.response): false
        }
    }
}
