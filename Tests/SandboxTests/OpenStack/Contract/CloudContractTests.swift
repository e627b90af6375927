import HTTPKit
import Testing
import World

@testable import Sandbox

/// The recorded exchanges with a real cloud, sent to the Sandbox's in their order.
@Suite struct CloudContractTests {
    @Test func answersAsTheRealOneDid() throws {
        var replay = CloudReplay()
        var replayed = 0
        for recording in try CloudRecording.all() where IntendedDifferences.leftOut[recording.number] == nil {
            replay.prepare(recording.number)
            let ours = replay.send(recording, as: CloudReplay.sender(recording.number))
            replayed += 1
            let intended = IntendedDifferences.members[recording.number]?.members ?? []
            let differences = compare(recording, ours, replay, except: intended)
            #expect(differences.isEmpty, "\(recording.name): \(differences.joined(separator: "; "))")
            if !intended.isEmpty {
                let all = compare(recording, ours, replay, except: [])
                #expect(!all.isEmpty, "\(recording.name): its entry in IntendedDifferences is no longer needed")
            }
        }
        #expect(replayed > 300)
    }

    /// An entry that names nothing recorded is a slip.
    @Test func everyIntendedDifferenceIsAboutARecording() throws {
        let numbers = Set(try CloudRecording.all().map(\.number))
        #expect(Set(IntendedDifferences.leftOut.keys).subtracting(numbers).isEmpty)
        #expect(Set(IntendedDifferences.members.keys).subtracting(numbers).isEmpty)
    }

    private func compare(
        _ recording: CloudRecording, _ ours: HTTPResponse, _ replay: CloudReplay, except optional: Set<String>
    ) -> [String] {
        var differences: [String] = []
        if ours.status != recording.status {
            return ["recorded \(recording.status), ours \(ours.status) \(ours.text.prefix(200))"]
        }
        for name in [
            "content-type", "vary", "www-authenticate", "retry-after", "openstack-api-version",
            "x-openstack-nova-api-version",
        ] {
            let mine = ours.headers.values(name).sorted()
            let theirs = recording.answerHeaders(named: name)
            if mine != theirs { differences.append("\(name): recorded \(theirs), ours \(mine)") }
        }
        for name in ["location", "x-subject-token", "x-openstack-request-id", "x-compute-request-id"] {
            let isThere = ours.headers[name] != nil
            if isThere == recording.answerHeaders(named: name).isEmpty {
                differences.append("\(name): only \(isThere ? "ours" : "recorded")")
            }
        }
        let recorded = CloudReplay.withoutRequestIDs(recording.answer.text)
        let comparison = ShapeComparison(
            recorded: (try? JSONValue(parsing: Array(recorded.utf8))) ?? .null, ours: replay.translated(ours.body),
            exactly: recording.status >= 400, optional: optional)
        return differences + comparison.differences
    }
}
