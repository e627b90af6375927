package import DequeModule
package import HTTPKit
package import World

/// Who asked what: the last requests one by one, and all of them counted by service.
package struct RequestJournal: Sendable {
    package struct Entry: Sendable, Hashable {
        /// Counts from 1, over everything ever asked.
        package var number: Int
        package var time: Timestamp
        package var service: SandboxService
        package var method: HTTPMethod
        /// Path and query below the service.
        package var path: String
        /// nil: no response was sent.
        package var status: Int?
        package var peer: String
        package var struckByFault: Bool
        /// nil: the request could change nothing, or was a login.
        package var change: Change?

        var json: JSONValue {
            [
                "number": .integer(number), "time": .string(time.description), "service": .string(service.rawValue),
                "method": .string(method.rawValue), "path": .string(path),
                "status": status.map { .integer($0) } ?? .null, "peer": .string(peer), "fault": .bool(struckByFault),
                "change": change?.json ?? .null,
            ]
        }
    }

    /// What a request wanted to change and what came of it, whatever the client was told: a reset after the effect hides
    /// that from everybody but us. Kept as it came and read only when somebody asks for the journal.
    package struct Change: Sendable, Hashable {
        private let service: SandboxService
        private let body: [UInt8]
        /// What the service itself answered; nil: a fault kept the request from it.
        private let answer: HTTPResponse?
        private let wasServed: Bool

        /// - Parameter answer: the service's own; nil when it was not asked.
        init?(_ service: SandboxService, _ request: HTTPRequest, _ answer: ServerAnswer?) {
            // nsupdate-web changes DNS by GET; a login changes nothing, and its body is secret.
            guard service != .identity, service == .nsupdate || request.method != .get else { return nil }
            self.service = service
            body = request.body
            self.answer = answer?.response
            wasServed = answer != nil
        }

        /// `asked`: paddles' whole body; of the cloud's services what tells whose it is, as bodies carry user data too.
        /// `served`: whether the service got the request; `status`: what it then said; `id`: of what was made.
        var json: JSONValue {
            let isCloud = service == .compute || service == .volume
            var asked = (try? JSONValue(parsing: body)) ?? .null
            var made: JSONValue?
            if isCloud, let member = ["server", "volume", "volumeAttachment"].first(where: { asked[$0] != nil }) {
                let wish = asked[member]
                var shown: JSONObject = [:]
                for name in ["name", "metadata", "volumeId"] { shown[name] = wish?[name] }
                asked = .object(shown)
                made = answer.flatMap { try? JSONValue(parsing: $0.body) }?[member]?["id"]
            }
            return [
                "asked": asked, "served": .bool(wasServed),
                "status": answer.map { .integer($0.status) } ?? .null, "id": made ?? .null,
            ]
        }
    }

    package struct Counts: Sendable, Hashable {
        package var total = 0
        package var byMethod: [HTTPMethod: Int] = [:]
        /// 0: no response was sent.
        package var byStatus: [Int: Int] = [:]
        package var struckByFault = 0
    }

    /// How many requests are remembered one by one.
    package static let capacity = 10_000

    package private(set) var entries: Deque<Entry> = []
    package private(set) var counts: [SandboxService: Counts] = [:]
    private var nextNumber = 1

    package init() {}

    mutating func add(
        _ service: SandboxService, _ request: HTTPRequest, _ answer: ServerAnswer, change: Change?,
        from peer: String, fault: Bool, at now: Timestamp
    ) {
        let status: Int? =
            switch answer.form {
            case .response(let response), .closeDelimited(let response), .truncated(let response, _): response.status
            case .raw, .reset, .stall: nil
            }
        if entries.count == Self.capacity { entries.removeFirst() }
        entries.append(
            Entry(
                number: nextNumber, time: now, service: service, method: request.method, path: request.url,
                status: status, peer: peer, struckByFault: fault, change: change))
        nextNumber += 1
        var counts = counts[service, default: Counts()]
        counts.total += 1
        counts.byMethod[request.method, default: 0] += 1
        counts.byStatus[status ?? 0, default: 0] += 1
        if fault { counts.struckByFault += 1 }
        self.counts[service] = counts
    }

    /// Entries after a number, oldest first.
    func json(after number: Int, limit: Int) -> JSONValue {
        .array(entries.lazy.filter { $0.number > number }.prefix(limit).map(\.json))
    }

    var countsJSON: JSONValue {
        var members: JSONObject = [:]
        for service in SandboxService.allCases {
            let counts = counts[service] ?? Counts()
            members[service.rawValue] = [
                "total": .integer(counts.total), "faults": .integer(counts.struckByFault),
                "by_method": .object(
                    JSONObject(counts.byMethod.map { ($0.key.rawValue, .integer($0.value)) })),
                "by_status": .object(
                    JSONObject(counts.byStatus.map { (String($0.key), .integer($0.value)) })),
            ]
        }
        return .object(members)
    }
}
