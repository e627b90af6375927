import Jobs
import OpenStack
import World

/// Which server of a job every worker keeps, should there be several: a stopped process wakes up with a request half
/// sent, so two servers of one key are an ordinary situation.
struct Adoption: Sendable {
    var keep: Server?
    var remove: [Server] = []

    /// - Parameters:
    ///   - spec: what the job wants now; a server of another specification is not adopted.
    ///   - put: a server that was created before the job was put is not of this job.
    ///   - mac: what paddles holds: a committed server beats every other.
    init(of servers: [Server], spec: String?, put: Timestamp, mac: String?) {
        let fit = servers.filter { server in
            guard server.status == .build || server.status == .active, !server.isDeleting else { return false }
            if let created = server.created, created < put - JobOrder.slack { return false }
            guard let spec else { return true }
            return Ownership(metadata: server.metadata)?.spec == spec
        }
        let best = fit.min { a, b in
            let aHasMAC = mac.map { a.hasMAC($0) } ?? false
            let bHasMAC = mac.map { b.hasMAC($0) } ?? false
            if aHasMAC != bHasMAC { return aHasMAC }
            let aCreated = a.created ?? Timestamp(microseconds: .max)
            let bCreated = b.created ?? Timestamp(microseconds: .max)
            return aCreated != bCreated ? aCreated < bCreated : a.id < b.id
        }
        keep = best
        remove = servers.filter { $0.id != best?.id }
    }
}
