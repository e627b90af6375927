/// What may be planned for a server; recorded messages in facts/openstack-observed.md.
package enum ServerFault: Sendable, Hashable {
    /// ERROR after scheduling, `No valid host was found. `.
    case noValidHost
    /// ERROR after spawning, `Build of instance … aborted: <text>`.
    case spawnFails(String)
    /// ERROR after spawning on every host; such a server still shows its addresses.
    case hostsExhausted
    /// ERROR with fault code 413: the conductor checked the quota again.
    case quotaRecheck(String)
    case staysInBuild
    /// ACTIVE without ever showing an address.
    case withoutAddress
    /// ACTIVE, and gone some time later by somebody else's doing.
    case vanishes(after: Duration)
    /// ACTIVE, and ERROR some time later.
    case breaks(after: Duration, String)
    /// The next DELETE ends in ERROR; the one after it works.
    case destroyFails
    /// The next DELETE never ends.
    case staysDeleting

    /// Whether it is drawn by a DELETE; the others are by a create.
    var isForDelete: Bool { self == .destroyFails || self == .staysDeleting }
}

/// What may be planned for a volume.
package enum VolumeFault: Sendable, Hashable {
    /// `error` instead of `available`.
    case createFails
    case staysCreating
    /// The attach is answered 200 and quietly undone (recordings 299, 304).
    case attachFails
    /// The attach never gets further than `reserved`.
    case staysReserved
    case staysDetaching
    /// `error_deleting`.
    case deleteFails
    case staysDeleting
    /// Gone some time after it was available.
    case vanishes(after: Duration)

    enum Occasion {
        case create, attach, detach, delete
    }

    var occasion: Occasion {
        switch self {
        case .createFails, .staysCreating, .vanishes: .create
        case .attachFails, .staysReserved: .attach
        case .staysDetaching: .detach
        case .deleteFails, .staysDeleting: .delete
        }
    }
}

/// Which servers or volumes a plan is for, by name.
package enum NameMatch: Sendable, Hashable {
    case any
    case name(String)
    case prefix(String)

    func matches(_ name: String) -> Bool {
        switch self {
        case .any: true
        case .name(let wanted): name == wanted
        case .prefix(let wanted): name.hasPrefix(wanted)
        }
    }
}

/// Faults waiting for the next occasions that match, first planned first drawn.
struct FaultPlan<Fault: Sendable & Hashable>: Sendable {
    private var entries: [(match: NameMatch, fault: Fault, left: Int)] = []

    mutating func add(_ fault: Fault, for match: NameMatch, times: Int) {
        if times > 0 { entries.append((match, fault, times)) }
    }

    mutating func draw(for name: String, where suits: (Fault) -> Bool) -> Fault? {
        guard let index = entries.firstIndex(where: { $0.match.matches(name) && suits($0.fault) }) else { return nil }
        let fault = entries[index].fault
        entries[index].left -= 1
        if entries[index].left == 0 { entries.remove(at: index) }
        return fault
    }
}
