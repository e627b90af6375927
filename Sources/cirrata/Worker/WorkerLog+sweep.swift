import Logging
import Provisioning
import Telemetry
import WorkerCore

extension WorkerLog {
    /// One line for each thing that was removed or needs somebody, and one for the sweep.
    func tell(_ report: SweepReport) {
        for entry in report.entries {
            guard let (level, text) = Self.line(about: entry) else { continue }
            let remains = entry.remains
            var metadata: Logger.Metadata = [
                LogKeys.key: "\(remains.key)", LogKeys.node: "\(remains.node)",
                LogKeys.provider: "\(remains.id.provider)", LogKeys.action: "sweep",
            ]
            let ids = remains.serverIDs + remains.volumeIDs
            if !ids.isEmpty { metadata[LogKeys.id] = "\(ids.joined(separator: ","))" }
            if let job = remains.jobIDs.first { metadata[LogKeys.job] = "\(job)" }
            logger.log(level: level, "\(text)", metadata: metadata)
        }
        for refusal in report.refusals {
            logger.warning(
                "sweep: \(refusal.message) (\(refusal.next))",
                metadata: [
                    LogKeys.provider: "\(refusal.provider)", LogKeys.cause: "\(refusal.cause)",
                    LogKeys.action: "sweep",
                ])
        }
        let chores = report.chores
        logger.info(
            "swept: \(report.removed.count) of \(report.entries.count) removed",
            metadata: [
                LogKeys.action: "sweep", "reports": "\(chores.reports)", "replies": "\(chores.replies)",
                "presences": "\(chores.presences)",
            ])
    }

    private static func line(about entry: SweepReport.Entry) -> (Logger.Level, String)? {
        switch entry.fate {
        case .kept(let reason):
            guard reason.needsPerson else { return nil }
            return (.warning, "sweep: left alone: \(entry.why) (\(entry.next))")
        case .condemned: return nil
        case .removed(let what): return (.notice, "sweep: removed \(what.joined(separator: ", ")): \(entry.why)")
        case .stopped: return (.notice, "sweep: stopped: \(entry.why)")
        case .postponed: return (.warning, "sweep: not finished: \(entry.why)")
        case .refused: return (.error, "sweep: \(entry.why) (\(entry.next))")
        }
    }
}
