import HTTPKit
import Jobs
import World

/// The outcome of a job, as `enqueue --wait` and `run` tell it.
extension Jobs.Reply {
    /// Line by line.
    /// - Parameters:
    ///   - what: stands before the outcome: `provision ovh001: `.
    ///   - duration: how long it took, where that is to be said.
    func lines(_ what: String = "", after duration: Duration? = nil, for terminal: Terminal) -> [String] {
        let ended = terminal.styled(outcome, outcome == "done" ? .green : .red)
        let head = what + ended + (duration.map { " after \($0.short)" } ?? "")
        guard let error else { return [head + facts] }
        let place = error.step.isEmpty ? ": " : ", at \(error.step): "
        let message = Printable.lines(error.message)
        return [head + place + (message.first ?? "")] + message.dropFirst()
            + (error.next.isEmpty ? [] : Printable.lines(error.next).map { "    \($0)" })
    }

    private var facts: String {
        guard let server else { return "" }
        var parts = ["server \(server.id)"]
        if !server.addresses.isEmpty { parts.append(server.addresses.joined(separator: " ")) }
        if !osType.isEmpty { parts.append("\(osType) \(osVersion)") }
        if !volumes.isEmpty { parts.append(volumes.count.counted("volume")) }
        return ": " + parts.joined(separator: ", ")
    }

    /// As an object for scripts; what is not known is left out.
    var json: JSONObject {
        var members: JSONObject = [
            "event": "ended", "action": .string(action), "uuid": .string(uuid), "key": .string(key),
            "outcome": .string(outcome), "began": .string(began.description), "ended": .string(ended.description),
            "volumes": .array(volumes.map { .string($0) }),
        ]
        if !worker.isEmpty { members["worker"] = .string(worker) }
        if !node.isEmpty { members["node"] = .string(node) }
        if let error {
            members["error"] = [
                "class": .string(error.cause), "step": .string(error.step), "message": .string(error.message),
                "next": .string(error.next),
            ]
        }
        if let server {
            members["server"] = [
                "id": .string(server.id), "name": .string(server.name),
                "addresses": .array(server.addresses.map { .string($0) }),
            ]
        }
        if !osType.isEmpty {
            members["os_type"] = .string(osType)
            members["os_version"] = .string(osVersion)
        }
        if !publicKey.isEmpty { members["ssh_pub_key"] = .string(publicKey) }
        return members
    }
}
