import FoundationEssentials
import HTTPKit

@testable import Sandbox

/// One exchange with a real cloud, from `Tests/Recordings/OpenStack` (copied from the recordings of release Zed; lists
/// cut to two entries).
struct CloudRecording {
    let name: String
    let service: CloudService
    let method: HTTPMethod
    let target: String
    let headers: [String: String]
    let body: [UInt8]
    let status: Int
    /// Names in lower case.
    let answerHeaders: [(name: String, value: String)]
    let answer: JSONValue

    /// `105` of `105-nova-create`.
    var number: Int { Int(name.prefix { $0 != "-" }) ?? 0 }

    func answerHeaders(named name: String) -> [String] {
        answerHeaders.filter { $0.name == name }.map(\.value).sorted()
    }

    /// All of them, in the order in which they were recorded.
    static func all() throws -> [CloudRecording] {
        try CloudService.allCases.flatMap(load).sorted { ($0.number, $0.name) < ($1.number, $1.name) }
    }

    private static func load(_ service: CloudService) throws -> [CloudRecording] {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        let path = folder.joined(separator: "/") + "/Recordings/OpenStack/\(service.rawValue).json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try (JSONValue(parsing: Array(text.utf8)).array ?? []).map { try CloudRecording(service, $0) }
    }

    private struct Malformed: Error {
        let entry: String
    }

    private init(_ service: CloudService, _ entry: JSONValue) throws {
        guard let name = entry["recording"]?.string, let method = entry["method"]?.string.flatMap(HTTPMethod.init),
            let target = entry["target"]?.string, let status = entry["status"]?.integer
        else { throw Malformed(entry: entry.text) }
        self.name = name
        self.service = service
        self.method = method
        self.target = target
        self.status = status
        headers = entry["headers"]?.object?.strings ?? [:]
        // A text is what was sent when it was not JSON; of very long ones only the length was kept.
        if let filler = entry["filler"]?.integer {
            body = [UInt8](repeating: UInt8(ascii: "A"), count: filler)
        } else {
            body = entry["body"].map { value in value.string.map { Array($0.utf8) } ?? value.bytes } ?? []
        }
        answerHeaders = (entry["answer_headers"]?.array ?? []).compactMap { pair in
            guard let name = pair.array?.first?.string, let value = pair.array?.last?.string else { return nil }
            return (name.lowercased(), value)
        }
        answer = entry["answer"] ?? .null
    }
}
