import HTTPKit
import Sandbox
import Testing
import World

/// Every request of the recording of the real paddles, in its order, against ours: status, headers and body.
@Suite struct PaddlesRecordingTests {
    /// Where ours answers otherwise, and why.
    static let intendedDifferences: [String: String] = [
        "HEAD": "the value leaves the body for the server to drop"
    ]

    @Test func answersAsRecorded() throws {
        var paddles = Paddles()
        var compared = 0
        for (number, exchange) in try Recording("paddles-nodes.txt").exchanges.enumerated() {
            guard let request = exchange.sent else { continue }
            let now = Timestamp.recorded + .milliseconds(number)
            let response = paddles.handle(request, at: now)
            let what = Comment(rawValue: "\(exchange.labels.last ?? "") > \(exchange.request.first ?? "")")
            #expect(response.status == exchange.status, what)
            #expect(response.comparable == exchange.headers, what)
            if request.method != .head, !exchange.body.isEmpty {
                #expect(timeless(response.text) == timeless(exchange.body), what)
            }
            compared += 1
        }
        #expect(compared > 150)
    }

    @Test func databaseDownAsRecorded() throws {
        var paddles = Paddles()
        paddles.trouble.databaseDown = true
        let exchanges = try Recording("paddles-db-down.txt").exchanges
        #expect(exchanges.count == 6)
        for exchange in exchanges {
            let request = try #require(exchange.sent)
            let response = paddles.handle(request, at: .recorded)
            #expect(response.status == exchange.status)
            #expect(response.comparable == exchange.headers)
            if response.status == 500 { #expect(response.body.count == 141) }  // recorded Content-Length
        }
    }

    /// The moment of a lock differs; its format must not.
    private func timeless(_ body: String) -> String {
        body.replacing(/"locked_since": "2026-11-22 15:2\d:\d\d\.\d{6}"/, with: "\"locked_since\": TIME")
    }
}
