package import World

package struct CloudProject: Sendable, Hashable {
    package var id: String
    package var name: String

    package init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

package struct CloudUser: Sendable, Hashable, CustomStringConvertible {
    package var id: String
    package var name: String
    package var password: String
    /// Ids of the projects in which the user has a role; the first is the default project.
    package var projects: [String]

    package init(id: String, name: String, password: String, projects: [String]) {
        self.id = id
        self.name = name
        self.password = password
        self.projects = projects
    }

    package var description: String { "user \(name)" }
}

package struct CloudApplicationCredential: Sendable, Hashable, CustomStringConvertible {
    package var id: String
    package var name: String
    package var secret: String
    package var user: String
    package var project: String

    package var description: String { "application credential \(name)" }
}

package struct CloudFlavor: Sendable, Hashable {
    package var id: String
    package var name: String
    package var cores: Int
    /// MB.
    package var ram: Int
    /// GB.
    package var disk: Int
    /// No host is ever found for it.
    package var hasNoHost = false

    package init(id: String, name: String, cores: Int, ram: Int, disk: Int) {
        self.id = id
        self.name = name
        self.cores = cores
        self.ram = ram
        self.disk = disk
    }
}

package struct CloudImage: Sendable, Hashable {
    package var id: String
    /// Glance allows images without a name.
    package var name: String?
    package var created: Timestamp
    package var status = "active"
    /// GB.
    package var minimumDisk = 0
    /// MB.
    package var minimumRAM = 0
    package var isHidden = false

    package init(id: String, name: String?, created: Timestamp) {
        self.id = id
        self.name = name
        self.created = created
    }

    /// `ubuntu` of `Ubuntu 22.04`, as the images' properties say it.
    var distribution: String { String((name ?? "").lowercased().prefix { $0 != " " && $0 != "-" }) }

    /// `22.04` of `Ubuntu 22.04`.
    var release: String { String((name ?? "").lowercased().dropFirst(distribution.count + 1)) }
}

package struct CloudSecurityGroup: Sendable, Hashable {
    package var id: String
    package var name: String
    package var project: String
    /// By RBAC, with every project: all see it.
    package var isShared: Bool

    package init(id: String, name: String, project: String, isShared: Bool = false) {
        self.id = id
        self.name = name
        self.project = project
        self.isShared = isShared
    }
}

/// A server's network interface.
struct CloudPort: Sendable, Hashable {
    var id: String
    var network: String
    var address: UInt32
    var mac: String
    var server: String
    var project: String
    var created: Timestamp
}
