import Configuration
import Lab
import Resilience
import World

/// Servers that nodes have already, as paddles records them, and that a provision for this owner would replace. What
/// somebody else holds is safe: the job ends as obsolete.
enum ExistingServers {
    private static let patience = Duration.seconds(5)

    /// - Returns: a sentence about each; none when paddles does not answer: this is a courtesy, and the worker decides.
    static func sentences(
        about orders: [Order], owner: String, _ configuration: SiteConfiguration, _ world: World
    ) async -> [String] {
        let names = orders.compactMap(\.node)
        do {
            let paddles = try PaddlesClient(
                baseURL: configuration.lockServer,
                gate: Gate(service: "paddles", provider: "", settings: GateSettings(rate: 0), world: world),
                world: world)
            return try await world.time.withTimeout(patience, doing: "look up nodes") {
                var sentences: [String] = []
                for name in names {
                    guard let record = try await paddles.node(name, for: Call()) else { continue }
                    if let sentence = sentence(about: record, owner: owner) { sentences.append(sentence) }
                }
                return sentences
            }
        } catch {
            return []
        }
    }

    private static func sentence(about record: NodeRecord, owner: String) -> String? {
        guard record.macAddress != nil, !record.locked || record.lockedBy == owner else { return nil }
        let system = [record.osType, record.osVersion].compactMap { $0 }.joined(separator: " ")
        let holder = record.locked ? "locked by \(owner)" : "not locked"
        let since = record.lockedSince.map { " since \($0)" } ?? ""
        let facts = (system.isEmpty ? "" : "\(system), ") + holder + since
        return "\(record.name) has a server (\(facts)): a new one replaces it"
    }
}
