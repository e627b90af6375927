import Lab
import OpenStack

/// Whether the name of a node without a server is to be pointed at the parking address.
struct Parking: Sendable {
    /// Only if it points at one of these; nil: wherever it points.
    let from: [IPAddress]?
    /// Never if it points at one of these.
    let sparing: [IPAddress]
    let isDue: Bool
    /// For people: the addresses that are no longer served.
    let label: String

    /// - Parameters:
    ///   - ours: addresses that servers of ours had, as far as this delivery knows: an earlier one may have removed the
    ///     servers and died before the name's turn came.
    ///   - standing: servers of the node that stay.
    ///   - asks: whether DNS can be asked first where the name points.
    ///   - mayTakeFree: while the node is free the name may be written unseen, too: a destroy of what its owner left.
    init(
        record: NodeRecord?, claim: Claim, ours: [IPAddress], standing: [Server], asks: Bool, mayTakeFree: Bool = false
    ) {
        sparing = standing.flatMap(\.parsedAddresses)
        label = ours.map(\.description).joined(separator: ",")
        let state = record.flatMap { $0.isVM ? claim.judge($0) : nil }
        guard let record, case .held = state else {
            // The name may be somebody else's by now.
            from = ours
            isDue = !ours.isEmpty && (asks || (mayTakeFree && state == .free))
            return
        }
        // While the node is this job's, nobody else can rightly have its name.
        from = nil
        isDue = asks || (standing.isEmpty && (!ours.isEmpty || record.macAddress != nil))
    }
}
