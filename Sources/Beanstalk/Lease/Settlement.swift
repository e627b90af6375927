/// How a settle token ended.
package enum Settlement: Sendable, Hashable {
    package enum Ending: String, Sendable, Hashable { case deleted, released, buried }

    /// The broker says so. A release may end as `.buried`, for want of memory in the broker.
    case settled(Ending)
    /// Nothing was settled, or nothing that counts: the job is, or soon will be, somebody else's.
    case leaseLost(LeaseLoss)
    /// The command may have been carried out, or the job may be in limbo: reserved by nobody until the broker is
    /// restarted (facts E4, I5). The connection was closed.
    case fateUnknown(SettleDoubt)
}

package enum SettleDoubt: Sendable, Hashable, CustomStringConvertible {
    /// OUT_OF_MEMORY, INTERNAL_ERROR …
    case answered(Reply)
    case unanswered(BrokerError)
    case cancelled

    package var description: String {
        switch self {
        case .answered(let reply): "the broker answered \(reply.keyword)"
        case .unanswered(let error): error.description
        case .cancelled: "cancelled before the broker answered"
        }
    }
}
