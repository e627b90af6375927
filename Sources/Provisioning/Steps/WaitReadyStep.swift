import Jobs
import Lab
import Pipelines
import Resilience
import World

extension NodeWork {
    /// Waits until the node answers: its port, its host keys, and over ssh that it is the node and is through with
    /// cloud-init. Each part can be switched off. What stood in the way last is the error when time is over.
    func waitReady(_ run: StepRun) async throws -> String {
        let checks = site.readiness
        guard checks.port || checks.hostKeys || checks.login else { return "not checked (switched off)" }
        guard let address = known.address else { throw Trouble("no-address", "the server has no address yet") }
        let host = address.description
        let node = try node()
        let obstacle = Locked<ServiceError?>(nil)
        let time = world.time
        do {
            return try await waiting(run) {
                try await time.withTimeout(self.site.limits(of: .waitReady).timeout, doing: "wait for \(node)") {
                    try await self.ready(host, try ShortName(node.short), checks, obstacle)
                }
            }
        } catch let timeout as TimeoutError {
            guard var error = obstacle.withLock({ $0 }) else { throw timeout }
            error.message += " (after \(timeout.limit.short))"
            throw error
        }
    }

    private func ready(
        _ host: String, _ name: ShortName, _ checks: ReadinessChecks, _ obstacle: Locked<ServiceError?>
    ) async throws -> String {
        let ssh = site.lab.ssh
        try await ssh.waitForPort(host) { failure in
            let error = ServiceError(
                service: "ssh", operation: "connect to \(name)", message: failure.description, kind: .transient,
                next: "look at the server's console log and its security groups")
            obstacle.withLock { $0 = error }
        }
        guard checks.hostKeys || checks.login else { return "port \(checks.settings.port) answers" }
        var backoff = Backoff(first: .seconds(1), limit: .seconds(10), floor: .milliseconds(500))
        while true {
            let asked = world.time.now
            let keys = try await ssh.hostKeys(host)
            if let key = keys.first {
                remember(\.publicKey, key)
                remember(\.publicKeyRead, asked)
                guard checks.login else { return "host keys read" }
            }
            let answer: SSHAnswer =
                if keys.isEmpty {
                    .notYet("it shows no host key yet")
                } else {
                    try await ssh.check(host, isNode: name, sentinel: checks.sentinel, keys: keys)
                }
            if case .ready(let facts) = answer {
                remember(\.host, facts)
                return "\(facts.hostname) is ready (\(facts.osID) \(facts.osVersion), \(facts.arch ?? "?"))"
            }
            let failure = answer.failure(of: name.text, checks.settings)
            obstacle.withLock { $0 = failure }
            try await world.time.sleep(for: backoff.next(world.random))
        }
    }
}
