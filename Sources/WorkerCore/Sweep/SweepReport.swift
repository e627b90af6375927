package import Provisioning

/// What one sweep found and did.
package struct SweepReport: Sendable {
    package struct Entry: Sendable {
        package enum Fate: Sendable, Hashable {
            case kept(KeepReason)
            /// Condemned, and left alone: a dry run, or the whole sweep refuses.
            case condemned
            case removed([String])
            case stopped
            case postponed
            /// What a service refuses to remove.
            case refused([String])
        }

        package var remains: Remains
        package var fate: Fate
        package var why: String
        package var next: String

        package init(_ verdict: SweepVerdict) {
            remains = verdict.remains
            why = verdict.why
            next = verdict.next
            switch verdict.decision {
            case .condemned: fate = .condemned
            case .kept(let reason): fate = .kept(reason)
            }
        }

        package var needsPerson: Bool {
            switch fate {
            case .kept(let reason): reason.needsPerson
            case .refused: true
            case .condemned, .removed, .stopped, .postponed: false
            }
        }
    }

    /// By provider, node and key.
    package var entries: [Entry] = []
    package var refusals: [SweepRefusal] = []
    package var chores = Chores()
    /// The project that each provider's login led to: for the next sweep.
    package var projects: [String: String] = [:]

    package init() {}

    /// What was tidied up in the broker.
    package struct Chores: Sendable, Hashable {
        package var reports = 0
        package var replies = 0
        package var presences = 0

        package var total: Int { reports + replies + presences }
    }

    package var removed: [Entry] {
        entries.filter { if case .removed = $0.fate { true } else { false } }
    }

    package func count(_ reason: KeepReason) -> Int { entries.count { $0.fate == .kept(reason) } }

    /// Whether something is left that will not go by itself.
    package var needsPerson: Bool { !refusals.isEmpty || entries.contains(where: \.needsPerson) }
}
