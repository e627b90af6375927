package import Jobs
package import World

/// Whose a server is, for counting: jobs of several nodes may have one `uuid`.
struct JobAtNode: Sendable, Hashable {
    var key: String
    var node: String
}

/// What we write on everything that we create, so that any worker can tell whose it is: the cloud is the journal.
package struct Ownership: Sendable, Hashable {
    package var site: String
    package var key: String
    /// The short name.
    package var node: String
    package var put: Timestamp
    /// The broker's job id; 0: not known.
    package var jobID: UInt64
    /// The run of the broker that delivered the job; empty: not known.
    package var broker: String
    package var owner: String
    package var lock: String
    /// Digest of image, flavor, networks, user data and volumes: a server of another specification is not adopted.
    package var spec: String

    package init(
        site: String, key: String, node: String, put: Timestamp, jobID: UInt64 = 0, broker: String = "", owner: String,
        lock: String, spec: String
    ) {
        self.site = Self.cut(site)
        self.key = Self.cut(key)
        self.node = Self.cut(node)
        self.put = put
        self.jobID = jobID
        self.broker = Self.cut(broker)
        self.owner = Self.cut(owner)
        self.lock = Self.cut(lock)
        self.spec = Self.cut(spec)
    }

    package static let version = 1
    /// Of all keys of our metadata.
    static let prefix = "cirrata_"
    /// The longest metadata value that Nova and Cinder take (facts/openstack.md 1.4, 1.7).
    private static let limit = 255

    package var order: JobOrder { JobOrder(put: put, jobID: jobID, broker: broker, key: key) }

    package var metadata: [String: String] {
        var metadata = [
            "cirrata_site": site, "cirrata_key": key, "cirrata_node": node,
            "cirrata_put": String(put.microseconds / 1_000_000), "cirrata_owner": owner, "cirrata_lock": lock,
            "cirrata_spec": spec, "cirrata_v": String(Self.version),
        ]
        if jobID != 0 { metadata["cirrata_job"] = String(jobID) }
        if !broker.isEmpty { metadata["cirrata_broker"] = broker }
        return metadata
    }

    /// Reads the metadata of a server or volume.
    /// - Returns: nil when it is not ours to judge: without our metadata, or of a newer major version.
    package init?(metadata: [String: String]) {
        guard let site = metadata["cirrata_site"], let key = metadata["cirrata_key"],
            let node = metadata["cirrata_node"], let put = metadata["cirrata_put"].flatMap({ Int64($0) }),
            let version = metadata["cirrata_v"].flatMap({ Int($0) }), version <= Self.version
        else { return nil }
        self.init(
            site: site, key: key, node: node, put: Timestamp(seconds: put),
            jobID: metadata["cirrata_job"].flatMap { UInt64($0) } ?? 0, broker: metadata["cirrata_broker"] ?? "",
            owner: metadata["cirrata_owner"] ?? "",
            lock: metadata["cirrata_lock"] ?? "", spec: metadata["cirrata_spec"] ?? "")
    }

    /// Whether metadata names the node: a quick look, before the rest is read.
    static func mayConcern(_ node: String, _ metadata: [String: String]) -> Bool { metadata["cirrata_node"] == node }

    /// The job in the metadata of anything of a site.
    static func job(in metadata: [String: String], of site: String) -> JobAtNode? {
        guard metadata["cirrata_site"] == site, let key = metadata["cirrata_key"] else { return nil }
        return JobAtNode(key: key, node: metadata["cirrata_node"] ?? "")
    }

    /// Whether an owner or lock description of a job is the one that was written down (cut to what fits).
    package static func matches(_ written: String, _ wanted: String) -> Bool { written == cut(wanted) }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.startIndex
        var size = 0
        while end < text.endIndex {
            size += text[end].utf8.count
            if size > limit { break }
            end = text.index(after: end)
        }
        return String(text[..<end])
    }
}
