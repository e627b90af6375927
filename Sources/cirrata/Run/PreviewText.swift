import HTTPKit
import Jobs
import Pipelines
import Provisioning

/// A dry run, told.
struct PreviewText {
    let action: JobAction
    let outcome: Outcome
    let preview: Preview
    let showsUserData: Bool

    func lines(for terminal: Terminal) -> [String] {
        var lines = preview.findings
        if showsUserData, !preview.userData.isEmpty {
            lines.append("user data:")
            lines += Printable.lines(preview.userData).map { "    \($0)" }
        }
        lines += preview.warnings.map { terminal.styled("warning:", .yellow) + " \($0)" }
        guard outcome.kind == .done, outcome.cause.isEmpty else {
            lines.append(
                "it would end \(terminal.styled(outcome.kind.rawValue, .red)): \(outcome.message)")
            if !outcome.next.isEmpty { lines.append("    \(outcome.next)") }
            return lines
        }
        lines.append("this \(action.rawValue) would:")
        return lines + preview.changes.map { "  - \($0)" }
    }

    var json: JSONValue {
        var members: JSONObject = [
            "event": "preview", "action": .string(action.rawValue), "outcome": .string(outcome.kind.rawValue),
            "findings": .array(preview.findings.map { .string($0) }),
            "changes": .array(preview.changes.map { .string($0) }),
            "warnings": .array(preview.warnings.map { .string($0) }),
        ]
        if !outcome.message.isEmpty { members["message"] = .string(outcome.message) }
        if !outcome.next.isEmpty { members["next"] = .string(outcome.next) }
        if showsUserData { members["user_data"] = .string(preview.userData) }
        return .object(members)
    }
}
