import Resilience
package import World

/// Asks the questions of one area. No question can take for ever or end the others: whatever goes wrong becomes a finding.
package struct Examination: Sendable {
    package struct Question: Sendable {
        let check: String
        let answer: @Sendable () async throws -> Finding

        package init(_ check: String, _ answer: @escaping @Sendable () async throws -> Finding) {
            self.check = check
            self.answer = answer
        }
    }

    package let area: String
    private let time: any TimeSource
    private let limit: Duration

    /// Two of them in a row, a login and what needs it, stay well below half a minute.
    package static let usualLimit = Duration.seconds(12)

    package init(_ area: String, time: any TimeSource, limit: Duration = Examination.usualLimit) {
        self.area = area
        self.time = time
        self.limit = limit
    }

    /// - Throws: `CancellationError`.
    package func ask(
        _ check: String, _ answer: @escaping @Sendable () async throws -> Finding
    ) async throws -> Finding {
        do {
            return try await time.withTimeout(limit, doing: check, answer)
        } catch let error as CancellationError {
            throw error
        } catch let error as TimeoutError {
            return finding(
                .failed, check, "no answer within \(error.limit.short)",
                remedy: "see whether it is up and whether something on the way drops connections")
        } catch let error as ServiceError {
            return finding(
                .failed, check, error.description,
                remedy: error.next.isEmpty ? "see what is wrong with \(error.service)" : error.next)
        } catch let error as SelectionError {
            return finding(.failed, check, error.message, remedy: error.next)
        } catch let parked as Parked {
            return finding(.skipped, check, "not asked, after earlier trouble: \(parked.why)")
        } catch {
            return finding(.failed, check, "\(error)")
        }
    }

    /// Asks all at once; the findings are in the order of the questions.
    /// - Throws: `CancellationError`.
    package func ask(_ questions: [Question]) async throws -> [Finding] {
        try await questions.concurrentResults { try await ask($0.check, $0.answer) }.map { try $0.get() }
    }

    package func finding(
        _ verdict: Finding.Verdict, _ check: String, _ text: String, remedy: String = ""
    ) -> Finding {
        Finding(verdict, area: area, check: check, text: text, remedy: remedy)
    }
}
