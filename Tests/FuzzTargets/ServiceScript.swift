import HTTPKit
import Resilience
import Simulation
import World

/// A service that answers what an input says, whatever it is asked. The first line of the input names what is asked;
/// answers follow, separated by lines of `%%`: a status, headers, an empty line, a body.
struct ServiceScript: Sendable {
    let operation: String
    private let answers: [HTTPResponse]

    init(_ input: [UInt8]) {
        let (operation, rest) = input.firstLine
        self.operation = operation
        answers = rest.parts(between: "%%").prefix(12).map(Self.answer)
    }

    private static func answer(_ bytes: [UInt8]) -> HTTPResponse {
        var (line, rest) = bytes.firstLine
        var response = HTTPResponse(status: Int(line).map { min(max($0, 100), 599) } ?? 200)
        while !rest.isEmpty {
            (line, rest) = rest.firstLine
            // As our transport hands them on: no control characters, no blanks around the value.
            line = String(String.UnicodeScalarView(line.unicodeScalars.map { $0 < " " || $0 == "\u{7F}" ? " " : $0 }))
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { break }
            let value = line[line.utf8.index(after: colon)...].drop { $0 == " " }
            response.headers.add(String(line[..<colon]), String(value))
        }
        response.body = rest
        return response
    }

    /// Runs `body` in a simulated world in which the answers come one after another and then every connection is reset.
    /// - Parameter prepared: answers instead of the script when it returns something.
    /// - Throws: `BrokenProperty`: for an error that is none of ours, for one that cannot be shown to people, for a URL
    ///   or a header that breaks a request.
    func run(
        prepared: @escaping @Sendable (HTTPRequest) -> HTTPResponse? = { _ in nil },
        _ body: @escaping @Sendable (World) async throws -> Void
    ) throws {
        let simulation = Simulation(
            seed: 1, limits: Simulation.Limits(jobsPerInstant: 100_000, virtualTime: .seconds(86_400)))
        let rest = Locked((answers: answers[...], fault: String?.none))
        simulation.http.serveEverything { request, _ in
            if let response = prepared(request) { return .response(response) }
            return rest.withLock { rest in
                rest.fault = rest.fault ?? Self.fault(in: request)
                guard let next = rest.answers.popFirst() else {
                    return .failure(.reset, of: request, mayHaveArrived: true)
                }
                return .response(next, after: .milliseconds(20))
            }
        }
        try simulation.run { world in
            do {
                try await body(world)
            } catch let error as ServiceError {
                try Self.check(error)
            }
        }
        if let fault = rest.withLock({ $0.fault }) { throw BrokenProperty("a request with \(fault.debugDescription)") }
    }

    /// What would break the head of a request.
    private static func fault(in request: HTTPRequest) -> String? {
        if !request.url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return request.url }
        return request.headers.fields.map { "\($0.name): \($0.value)" }.first { line in
            line.utf8.contains { $0 < 0x20 || $0 == 0x7F }
        }
    }

    private static func check(_ error: ServiceError) throws {
        try requireOneLine(error.description, atMost: 8_000)
        try requireOneLine(error.next)
        for secret in [Self.password, Self.token] {
            try require(!"\(error) \(error.next)".contains(secret), "a secret in: \(error)")
        }
        try require(error.retryAfter ?? .zero >= .zero, "wait \(error.retryAfter ?? .zero)")
        _ = error.retryAfter?.short
    }

    static let password = "correct horse battery staple"
    static let token = "gAAAAABtoken"
}
