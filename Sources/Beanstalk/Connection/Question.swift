/// What remains of a command once its bytes are sent: enough to know its answer and to name it in an error.
package struct Question: Sendable, Hashable, CustomStringConvertible {
    package let name: Command.Name
    package let job: JobID?
    package let tube: TubeName?
    /// How long the broker may rightly stay silent; nil: for ever.
    let holdback: Duration?

    package init(_ command: Command) {
        name = command.name
        job = command.job
        tube = command.tube
        holdback =
            switch command {
            case .reserve: nil
            case .reserveWithTimeout(let seconds): seconds.duration
            default: .zero
            }
    }

    /// What a reply means for the connection.
    enum Verdict: Sendable, Hashable {
        case answer
        /// It is the answer, but the broker and we no longer agree on where commands begin.
        case lastAnswer
        case desynchronised
    }

    /// Replies carry no reference to their command (fact A8), so whatever does not fit is the sign that we are out of
    /// step; that is looked at as closely as the protocol allows.
    func judge(_ reply: Reply) -> Verdict {
        switch (name, reply) {
        case (_, .error(let error)):
            judge(error)
        case (.put, .inserted), (.put, .buried(.some)),
            (.reserve, .reserved), (.reserve, .deadlineSoon),
            (.reserveWithTimeout, .reserved), (.reserveWithTimeout, .deadlineSoon), (.reserveWithTimeout, .timedOut),
            (.reserveJob, .notFound),
            (.delete, .deleted), (.delete, .notFound),
            (.release, .released), (.release, .buried(.none)), (.release, .notFound),
            (.bury, .buried(.none)), (.bury, .notFound),
            (.touch, .touched), (.touch, .notFound),
            (.watch, .watching), (.ignore, .watching), (.ignore, .notIgnored),
            (.peek, .notFound), (.peekReady, .notFound), (.peekDelayed, .notFound), (.peekBuried, .notFound),
            (.peekReady, .found), (.peekDelayed, .found), (.peekBuried, .found),
            (.kick, .kicked(.some)), (.kickJob, .kicked(.none)), (.kickJob, .notFound),
            (.statsJob, .ok), (.statsJob, .notFound), (.statsTube, .ok), (.statsTube, .notFound), (.stats, .ok),
            (.listTubes, .ok), (.listTubesWatched, .ok), (.listTubeUsed, .using),
            (.pauseTube, .paused), (.pauseTube, .notFound):
            .answer
        case (.reserveJob, .reserved(let given)), (.peek, .found(let given)):
            given.id == job ? .answer : .desynchronised
        case (.use, .using(let used)):
            used == tube ? .answer : .desynchronised
        default:
            .desynchronised
        }
    }

    private func judge(_ error: ErrorReply) -> Verdict {
        switch error {
        case .outOfMemory, .internalError:
            .answer
        // After a refused `put` line its body is read as commands; and our bodies do end with CR LF, so
        // EXPECTED_CRLF says that the broker counts differently.
        case .badFormat, .unknownCommand:
            name == .put ? .lastAnswer : .answer
        case .expectedCRLF:
            name == .put ? .lastAnswer : .desynchronised
        case .draining, .jobTooBig:
            name == .put ? .answer : .desynchronised
        }
    }

    package var description: String {
        if let job { return "\(name.rawValue) of job \(job)" }
        if let tube { return "\(name.rawValue) of tube \(tube)" }
        return name.rawValue
    }
}
