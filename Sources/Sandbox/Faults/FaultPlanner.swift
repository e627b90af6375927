package import HTTPKit
import World

/// The fault rules in force, in the order in which they were given; the first that strikes is the only one.
package struct FaultPlanner: Sendable {
    private struct Entry: Sendable {
        var id: Int
        var rule: FaultRule
        /// Requests that matched, those that were let pass included.
        var seen = 0
        var struck = 0
    }

    private var entries: [Entry] = []
    /// Which requests a fault with a probability hits depends on the seed and on the requests before, and on nothing else.
    private var random: SplitMix
    private var nextID = 1

    package init(seed: UInt64 = 1) {
        random = SplitMix(seed: seed)
    }

    /// - Returns: the id by which it can be removed.
    @discardableResult
    package mutating func add(_ rule: FaultRule) -> Int {
        defer { nextID += 1 }
        entries.append(Entry(id: nextID, rule: rule))
        return nextID
    }

    /// - Returns: whether there was such a rule.
    @discardableResult
    package mutating func remove(_ id: Int) -> Bool {
        let before = entries.count
        entries.removeAll { $0.id == id }
        return entries.count < before
    }

    package mutating func removeAll() { entries = [] }

    /// How often a rule has struck; nil when there is none of that id.
    package func strikes(of id: Int) -> Int? { entries.first { $0.id == id }?.struck }

    /// The rule that hits this request, if any. Every rule that matches counts it, hit or not.
    /// - Parameter request: its URL counts from below the service.
    mutating func draw(_ service: SandboxService, _ request: HTTPRequest) -> FaultRule? {
        var drawn: FaultRule?
        for index in entries.indices where entries[index].rule.matches(service, request) {
            entries[index].seen += 1
            let rule = entries[index].rule
            if drawn != nil || entries[index].seen <= rule.skip { continue }
            if let count = rule.count, entries[index].struck >= count { continue }
            if rule.probability < 1, random.fraction() >= rule.probability { continue }
            entries[index].struck += 1
            drawn = rule
        }
        return drawn
    }

    /// For `GET /sandbox/faults`.
    package var json: JSONValue {
        .array(
            entries.map { entry in
                var members = entry.rule.json.object ?? [:]
                members["id"] = .integer(entry.id)
                members["seen"] = .integer(entry.seen)
                members["struck"] = .integer(entry.struck)
                return .object(members)
            })
    }
}
