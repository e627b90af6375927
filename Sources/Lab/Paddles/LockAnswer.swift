/// Why paddles keeps a lock as it is. An answer, not an error: what it means depends on what the caller knows.
package enum LockRefusal: Sendable, Hashable {
    /// Somebody has it: another owner, or the same owner with another description or none.
    case alreadyLocked
    /// An unlock of a free node: ordinary when the answer to the first one was lost.
    case alreadyUnlocked
    case otherOwner
    case otherDescription
}

package enum LockAnswer: Sendable, Hashable {
    /// Locked for exactly this owner and description, now or already before.
    case locked
    case refused(LockRefusal)
}

package enum UnlockAnswer: Sendable, Hashable {
    case unlocked
    case refused(LockRefusal)
}

package enum LockManyAnswer: Sendable, Hashable {
    case locked([NodeRecord])
    /// Fewer nodes are free than were asked for; nothing was locked. `available` as far as paddles said.
    case notEnough(available: Int?)
    /// Another caller took a node between paddles' look and its write (facts/teuthology.md 1.9): ask again.
    case lostRace
}
