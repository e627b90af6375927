import OrderedCollections
package import Resilience
package import World

/// Something that is looked at until it is what somebody waits for.
package protocol Watched: Sendable, Identifiable where ID == String {
    /// It says itself that it is about to vanish: worth a look by id, which alone proves that it has.
    var isVanishing: Bool { get }
}

/// How to look at things of one kind.
struct PollingSource<Item: Watched>: Sendable {
    var one: @Sendable (_ id: String, Call) async throws -> Item?
    var all: @Sendable (Call) async throws -> Listing<Item>
    /// Nil where a service cannot list what changed.
    var changes: (@Sendable (_ since: Timestamp, Call) async throws -> Listing<Item>)?
}

/// Looks at things for everybody who waits for them. A few are looked at by id; many share one list per interval, of what
/// changed where that can be asked for. It has no task of its own: the one who has waited longest asks for all, and when
/// that one leaves, the next takes over.
package actor Poller<Item: Watched> {
    private let source: PollingSource<Item>
    private let pace: PollingPace
    private let time: any TimeSource
    private let random: any RandomSource
    private var waiting: OrderedDictionary<UInt64, Waiter> = [:]
    private var lastID: UInt64 = 0
    private var leader: UInt64?
    /// Ends the leader's rest early.
    private var alarm: Signal<Void>?
    private var notBefore = Moment(nanoseconds: .min)
    private var lastListing: Moment?
    private var lastFull: Moment?
    /// Since when the leader has stood before a closed gate.
    private var heldSince: Moment?
    /// Changes after this are asked for, by the service's clock.
    private var cursor: Timestamp?
    private var backoff = Backoff(first: .seconds(1), limit: .seconds(15), floor: .milliseconds(500))

    private struct Waiter {
        var wants: Wants
        var since: Moment
        var parkAfter: Duration?
        /// Looked at at least once.
        var seen = false
        var failures = 0
        var news: News?
        var wake = Signal<Void>()
    }

    private enum Wants: Sendable {
        case item(String, until: @Sendable (Item) -> Bool)
        case listing(after: Moment)

        var isItem: Bool {
            if case .item = self { true } else { false }
        }
    }

    private enum News: Sendable {
        case item(Item)
        case gone
        case listing(Listing<Item>)
        case failed(any Error)
    }

    init(source: PollingSource<Item>, pace: PollingPace, world: World) {
        self.source = source
        self.pace = pace
        time = world.time
        random = world.random
    }

    /// Waits until `isDone` is true of a thing.
    /// - Returns: nil when it is gone: the service itself said that there is no such thing.
    /// - Throws: `ServiceError` when looking at it fails for good, or again and again; `CancellationError`.
    package func item(
        _ id: String, for call: Call, until isDone: @escaping @Sendable (Item) -> Bool
    ) async throws -> Item? {
        switch try await news(.item(id, until: isDone), call) {
        case .item(let item): return item
        case .gone, .listing: return nil
        case .failed(let error): throw error
        }
    }

    /// A complete list that was asked for at or after `moment`; whoever waits for one shares it.
    /// - Throws: `ServiceError`, `CancellationError`.
    package func listing(requestedAfter moment: Moment, for call: Call) async throws -> Listing<Item> {
        switch try await news(.listing(after: moment), call) {
        case .listing(let listing): return listing
        case .item, .gone: throw CancellationError()
        case .failed(let error): throw error
        }
    }
}

// MARK: - Waiting and leading

extension Poller {
    private func news(_ wants: Wants, _ call: Call) async throws -> News {
        lastID += 1
        let id = lastID
        if waiting.isEmpty { rest(from: time.now) }
        waiting[id] = Waiter(wants: wants, since: time.now, parkAfter: call.parkAfter)
        if case .listing = wants { alarm?.raise(()) }
        defer { leave(id) }
        while true {
            if let news = waiting[id]?.news { return news }
            if leader == nil { leader = id }
            if leader == id {
                try await round(call)
            } else {
                let wake = Signal<Void>()
                waiting[id]?.wake = wake
                try await wake.wait()
            }
        }
    }

    private func leave(_ id: UInt64) {
        waiting[id] = nil
        if leader == id { leader = nil }
        guard leader == nil else { return }
        waiting.values.first { $0.news == nil }?.wake.raise(())
    }

    /// One round: rest until it is due, ask, tell.
    private func round(_ call: Call) async throws {
        try await restUntilDue()
        let began = time.now
        let items = waiting.compactMap { id, waiter in waiter.news == nil && waiter.wants.isItem ? id : nil }
        let isListingWanted = waiting.values.contains { $0.news == nil && !$0.wants.isItem }
        var call = call
        call.parkAfter = untilSomebodyIsParked
        do {
            if isListingWanted || items.count > pace.few {
                try await list(call, fully: isListingWanted)
            } else {
                try await look(at: items, call)
            }
            heldSince = nil
            backoff.reset()
            rest(from: began, took: time.now - began)
        } catch let parked as Parked {
            park(parked, heldSince: heldSince ?? began)
        } catch let error as ServiceError {
            heldSince = nil
            tell(error)
            notBefore = time.now + backoff.next(random)
        }
    }

    private func restUntilDue() async throws {
        while true {
            let now = time.now
            let isListingWanted = waiting.values.contains { $0.news == nil && !$0.wants.isItem }
            let due =
                isListingWanted && backoff.attempts == 0
                ? (lastListing.map { $0 + pace.gap(waiting: waiting.count) } ?? now) : notBefore
            if due <= now { return try Task.checkCancellation() }
            let alarm = Signal<Void>()
            self.alarm = alarm
            defer { self.alarm = nil }
            try await withThrowingTaskGroup(of: Void.self) { [time] group in
                group.addTask {
                    try await time.sleep(until: due)
                    alarm.raise(())
                }
                defer { group.cancelAll() }
                try await alarm.wait()
            }
        }
    }

    private func rest(from began: Moment, took: Duration = .zero) {
        notBefore = began + pace.interval(waiting: waiting.count, took: took)
    }
}

// MARK: - Asking

extension Poller {
    private func list(_ call: Call, fully: Bool) async throws {
        let began = time.now
        lastListing = began
        let isFullDue = lastFull.map { began - $0 >= pace.fullInterval } ?? true
        let listing: Listing<Item>
        if let changes = source.changes, let cursor, !fully, !isFullDue {
            listing = try await changes(cursor, call)
        } else {
            listing = try await source.all(call)
            lastFull = began
        }
        // The service read its database before it wrote its Date, and clocks of its hosts differ a little.
        cursor = listing.serverTime.map { $0 - (time.now - began) - pace.slack }
        try await look(at: tell(listing), call)
    }

    /// - Returns: those that the list says nothing about though it should, or says that they are vanishing.
    private func tell(_ listing: Listing<Item>) -> [UInt64] {
        let items = Dictionary(listing.items.map { ($0.id, $0) }) { first, _ in first }
        var doubtful: [UInt64] = []
        for (id, waiter) in waiting where waiter.news == nil {
            switch waiter.wants {
            case .listing(let after):
                if listing.complete, listing.requestedAt >= after { deliver(.listing(listing), to: id) }
            // What was asked for before somebody began to wait may show what was there before their last change.
            case .item where waiter.since > listing.requestedAt: continue
            case .item(let itemID, _):
                if let item = items[itemID] {
                    consider(item, for: id)
                    if item.isVanishing, waiting[id]?.news == nil { doubtful.append(id) }
                } else if listing.complete || !waiter.seen {
                    doubtful.append(id)
                }
            }
        }
        return doubtful
    }

    private struct Look: Sendable {
        let itemID: String
        let result: Result<Item?, ServiceError>
    }

    private func look(at ids: [UInt64], _ call: Call) async throws {
        var wanted: OrderedDictionary<String, [UInt64]> = [:]
        for id in ids {
            if case .item(let itemID, _)? = waiting[id]?.wants { wanted[itemID, default: []].append(id) }
        }
        let permits = Permits(pace.looksAtOnce)
        try await withThrowingTaskGroup(of: Look.self) { [source] group in
            for itemID in wanted.keys {
                group.addTask {
                    do {
                        let item = try await permits.withPermit { try await source.one(itemID, call) }
                        return Look(itemID: itemID, result: .success(item))
                    } catch let error as ServiceError {
                        return Look(itemID: itemID, result: .failure(error))
                    }
                }
            }
            for try await look in group {
                for id in wanted[look.itemID] ?? [] {
                    switch look.result {
                    case .success(let item?): consider(item, for: id)
                    case .success(nil): deliver(.gone, to: id)
                    case .failure(let error): fail(error, for: id)
                    }
                }
            }
        }
    }
}

// MARK: - Telling

extension Poller {
    private func consider(_ item: Item, for id: UInt64) {
        guard case .item(_, let isDone)? = waiting[id]?.wants, waiting[id]?.news == nil else { return }
        waiting[id]?.seen = true
        waiting[id]?.failures = 0
        if isDone(item) { deliver(.item(item), to: id) }
    }

    private func deliver(_ news: News, to id: UInt64) {
        waiting[id]?.news = news
        waiting[id]?.wake.raise(())
    }

    private func tell(_ error: ServiceError) {
        for (id, waiter) in waiting where waiter.news == nil {
            if waiter.wants.isItem { fail(error, for: id) } else { deliver(.failed(error), to: id) }
        }
    }

    /// The leader asks for all, so it stands before a closed gate for all: as long as the least patient of them would.
    private var untilSomebodyIsParked: Duration? {
        let now = time.now
        return waiting.values.compactMap { waiter in
            guard waiter.news == nil, let parkAfter = waiter.parkAfter else { return nil }
            return max(.milliseconds(1), max(waiter.since, heldSince ?? now) + parkAfter - now)
        }.min()
    }

    private func park(_ parked: Parked, heldSince began: Moment) {
        heldSince = began
        let now = time.now
        for (id, waiter) in waiting where waiter.news == nil {
            guard let parkAfter = waiter.parkAfter, max(waiter.since, began) + parkAfter <= now else { continue }
            deliver(.failed(parked), to: id)
        }
    }

    /// A blip ends nobody's wait: whoever waits for a thing hears of trouble that will not pass, or has not passed.
    private func fail(_ error: ServiceError, for id: UInt64) {
        guard let failures = waiting[id]?.failures else { return }
        waiting[id]?.failures = failures + 1
        if error.kind != .transient || failures + 1 >= pace.patience { deliver(.failed(error), to: id) }
    }
}
