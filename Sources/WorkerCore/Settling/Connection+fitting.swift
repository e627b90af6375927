import Beanstalk

extension Connection {
    /// Puts a report, a reply or a sign of life. A broker that was started with a smaller `-z` says so (JOB_TOO_BIG, fact
    /// G1); the body is then made anew for what that broker takes.
    /// - Parameters:
    ///   - limit: of bytes, for other brokers.
    ///   - refused: told before the second put.
    /// - Throws: `BrokerError`, of JOB_TOO_BIG where even the shortest form is too long; `CancellationError`.
    func put(
        fitting limit: Int, into tube: TubeName, refused: (BrokerError) -> Void = { _ in }, _ body: (Int) -> [UInt8]
    ) async throws -> PutResult {
        do {
            return try await put(
                body(limit), into: tube, priority: Settler.sideJobPriority, ttr: Settler.sideJobTTR)
        } catch let error as BrokerError where error.isTooBig {
            refused(error)
        }
        let most = try await statistics().maximumJobSize
        return try await put(
            body(min(most, limit)), into: tube, priority: Settler.sideJobPriority, ttr: Settler.sideJobTTR)
    }
}

extension BrokerError {
    /// Whether no time makes it better: the body is larger than this broker takes.
    var isTooBig: Bool { cause == .refused(.jobTooBig) }
}
