/// Every job in the tubes of this site, as far as the sweeper has to know it.
package struct QueueFacts: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        /// The broker's number.
        package var jobID: UInt64
        /// Empty: the body does not tell, as when a newer release wrote it.
        package var key: String
        /// The short name; empty when the job names none.
        package var node: String
        package var isBuried: Bool

        package init(jobID: UInt64, key: String, node: String, isBuried: Bool) {
            self.jobID = jobID
            self.key = key
            self.node = node
            self.isBuried = isBuried
        }
    }

    private let byKey: [String: Entry]
    /// Of jobs that can still do something about their node by themselves.
    private let openByNode: [String: Entry]
    private let unread: [UInt64: Entry]

    package init(_ entries: [Entry]) {
        byKey = Dictionary(entries.filter { !$0.key.isEmpty }.map { ($0.key, $0) }) { a, b in a.isBuried ? b : a }
        openByNode = Dictionary(
            entries.filter { !$0.isBuried && !$0.node.isEmpty }.map { ($0.node, $0) }, uniquingKeysWith: { a, _ in a })
        unread = Dictionary(
            entries.filter(\.key.isEmpty).map { ($0.jobID, $0) }, uniquingKeysWith: { a, _ in a })
    }

    /// The job that built something under this key: by its key, whatever its number is by now. A body that cannot be read
    /// counts as that job if it has one of its numbers.
    package func job(ofKey key: String, jobIDs: [UInt64]) -> Entry? {
        byKey[key] ?? jobIDs.lazy.compactMap { unread[$0] }.first
    }

    /// Some job of the node that is not buried.
    package func openJob(ofNode node: String) -> Entry? { openByNode[node] }
}

/// Who can say which jobs exist. `Provisioning` knows no broker.
package protocol QueueWitness: Sendable {
    /// Every job of our tubes.
    /// - Parameter hints: numbers that may be among them: looked at first.
    /// - Throws: `SweepRefusal` when not all of them could be accounted for; `CancellationError`.
    func everything(hints: [UInt64]) async throws -> QueueFacts
    /// The same with what was put since, much cheaper. What is gone since may still be in it.
    /// - Throws: as `everything`, also when the broker was restarted since.
    func latest() async throws -> QueueFacts
}
