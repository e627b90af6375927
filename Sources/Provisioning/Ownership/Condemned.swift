import OpenStack
import World

/// What a removal is to take away, by id: never more than was there when it was decided.
struct Condemned: Sendable {
    var servers: [Server]
    var volumes: [Volume]

    /// Without what these are.
    func except(_ ids: Set<String>) -> Condemned {
        Condemned(servers: servers.filter { !ids.contains($0.id) }, volumes: volumes.filter { !ids.contains($0.id) })
    }

    /// What is left of older jobs' servers: this job has begun to take them away, and nobody else will finish that.
    mutating func add(ruinsOf older: Belongings.Items) {
        guard older.servers.allSatisfy(\.isDeleting) else { return }
        servers += older.servers
        volumes += older.volumes
    }

    var ids: Set<String> { Set(servers.map(\.id) + volumes.map(\.id)) }
    var isEmpty: Bool { servers.isEmpty && volumes.isEmpty }
    var summary: String { "\(servers.count.counted("server")), \(volumes.count.counted("volume"))" }
    /// For a report.
    var labels: [String] {
        servers.map { "server \($0.name) \($0.id)" } + volumes.map { "volume \($0.name) \($0.id)" }
    }
}

extension Condemned {
    /// What a destroy takes: all that its job and older ones made.
    init(upTo job: Belongings) {
        self.init(
            servers: job.own.servers + job.older.servers, volumes: job.own.volumes + job.older.volumes)
    }
}
