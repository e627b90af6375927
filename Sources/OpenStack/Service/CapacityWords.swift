/// Why there is no room for something.
package enum FaultKind: String, Sendable, Hashable, CaseIterable {
    /// The project's quota; of a server it may be found out only after the 202 (facts/openstack.md 1.4).
    case quota
    /// No hypervisor has room, or none is up: another zone may have.
    case noValidHost = "no-valid-host"
    /// The network has no free address.
    case noAddress = "no-address"
    /// Nothing that becomes free helps.
    case other

    /// Whether it works when somebody else gives something up.
    package var isCapacity: Bool { self != .other }

    /// What only the words of a service tell. The last resort, where no status, code or type says it.
    /// - Returns: nil for words that are not in the table.
    init?(words: String) {
        let text = words.lowercased()
        guard let row = Self.table.first(where: { text.contains($0.words) }) else { return nil }
        self = row.kind
    }

    /// Of the rows that fit the first counts. Numbers name recordings (facts/openstack-observed.md).
    private static let table: [(words: String, kind: FaultKind)] = [
        // Limits of one request, which stay what they are. Nova's exception.py: MetadataLimitExceeded,
        // OnsetFile…LimitExceeded, OverQuota of server groups; the names of unified limits in its limit/local.py.
        ("metadata", .other), ("injected file", .other), ("too many servers in group", .other),
        ("server_metadata_items", .other), ("server_injected_file", .other), ("server_group", .other),
        // Of one volume. Cinder's exception.py: VolumeSizeExceedsLimit.
        ("larger than maximum allowed limit", .other),
        // oslo.limit's exception.py: ProjectOverLimit, which Nova passes on with unified limits.
        ("is over a limit for", .quota),
        // Nova's OverQuota (182, 184) and PortLimitExceeded (462), Neutron's OverQuota, Cinder's QuotaError.
        ("quota exceeded", .quota), ("quota has been exceeded", .quota), ("maximum number of ports exceeded", .quota),
        // Cinder's VolumeSizeExceedsAvailableQuota (276) and VolumeLimitExceeded.
        ("exceeds allowed", .quota), ("exceeded for quota", .quota),
        // Nova's FixedIpLimitExceeded and NoMoreFixedIps in the fault of a server (442), Neutron's IpAddressGenerationFailure.
        ("no fixed ip addresses available", .noAddress), ("no more ip addresses", .noAddress),
        // Nova's MaxRetriesExceeded: hosts had room, and builds failed on them (203).
        ("exceeded max scheduling attempts", .other), ("exceeded maximum number of retries", .other),
        // Nova's NoValidHost (189).
        ("no valid host was found", .noValidHost),
    ]
}
