import HTTPKit
import Provisioning

/// What the doctor says, for people and for scripts.
struct DiagnosisText {
    private let diagnosis: Diagnosis

    init(_ diagnosis: Diagnosis) { self.diagnosis = diagnosis }

    /// A line for each finding, the remedy below it, and how many there are of each kind.
    func lines(for terminal: Terminal) -> [String] {
        let findings = diagnosis.findings
        let area = findings.map(\.area.count).max() ?? 0
        let check = findings.map(\.check.count).max() ?? 0
        var lines: [String] = []
        for finding in findings {
            let name = finding.verdict.rawValue
            let verdict = terminal.styled(name, Self.style(of: finding.verdict)) + Self.blanks(8 - name.count)
            lines.append(
                verdict + Self.padded(finding.area, area) + Self.padded(finding.check, check)
                    + Printable.line(finding.text))
            if finding.verdict != .ok, !finding.remedy.isEmpty {
                lines.append(Self.blanks(area + check + 12) + "→ " + Printable.line(finding.remedy))
            }
        }
        return lines + [summary(terminal)]
    }

    /// One object a line.
    var json: [String] {
        diagnosis.findings.map { finding in
            let members: JSONObject = [
                "event": "finding", "area": .string(finding.area), "check": .string(finding.check),
                "verdict": .string(finding.verdict.rawValue), "text": .string(finding.text),
                "remedy": .string(finding.remedy),
            ]
            return JSONValue.object(members).text
        }
    }

    private func summary(_ terminal: Terminal) -> String {
        let counts = Finding.Verdict.allCases.compactMap { verdict in
            let count = diagnosis.count(verdict)
            return count == 0 ? nil : "\(count) \(verdict.rawValue)"
        }
        let text = counts.joined(separator: ", ")
        return terminal.styled(text, diagnosis.hasFailures ? .red : .bold)
    }

    private static func style(of verdict: Finding.Verdict) -> Terminal.Style {
        switch verdict {
        case .ok: .green
        case .warning: .yellow
        case .failed: .red
        case .skipped: .dim
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String { text + blanks(width - text.count + 2) }
    private static func blanks(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
