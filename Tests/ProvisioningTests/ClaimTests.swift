import Jobs
import Lab
import Testing
import World

@testable import Provisioning

@Suite struct ClaimTests {
    private func claim(_ description: String?) -> Claim {
        Claim(
            Job(
                action: .provision, node: nil, provider: "ovh", owner: "me", lockDescription: description,
                order: JobOrder(put: jobPut, key: "u-1")))
    }

    @Test(
        arguments: [
            // wanted description; locked, by, description in paddles; what that means
            (nil, false, nil, nil, .free),
            ("d", false, "me", "d", .free),
            (nil, true, "me", nil, .held(byUs: false)),
            (nil, true, "me", "anything", .held(byUs: false)),
            ("d", true, "me", "d", .held(byUs: false)),
            ("d", true, "me", "D", .taken(by: "me", description: "D")),
            ("d", true, "me", nil, .taken(by: "me", description: "")),
            ("d", true, "me", "", .taken(by: "me", description: "")),
            (nil, true, "you", nil, .taken(by: "you", description: "")),
            ("d", true, "you", "d", .taken(by: "you", description: "d")),
            (nil, true, nil, nil, .taken(by: "nobody", description: "")),
            // Our own lock, whatever is wanted in the end; never another job's.
            (nil, true, "me", "cirrata:u-1", .held(byUs: true)),
            ("d", true, "me", "cirrata:u-1", .held(byUs: true)),
            ("d", true, "me", "cirrata:u-2", .taken(by: "me", description: "cirrata:u-2")),
            (nil, true, "me", "cirrata:u-2", .held(byUs: false)),
            ("d", true, "you", "cirrata:u-1", .taken(by: "you", description: "cirrata:u-1")),
        ] as [(String?, Bool, String?, String?, Claim.State)])
    func judges(wanted: String?, locked: Bool, by: String?, description: String?, state: Claim.State) {
        let record = NodeRecord(
            name: "ovh001.front.lab.test", description: description, machineType: "ovh", isVM: true, locked: locked,
            lockedBy: by)
        #expect(claim(wanted).judge(record) == state)
    }

    @Test(
        arguments: [
            (nil, "you", "d", "n is locked by you (d), not for me"), (nil, "you", "", "n is locked by you, not for me"),
            ("run/2", "me", "run/1", "n is locked by me (run/1), not for me (run/2)"),
            ("run/2", "me", "", "n is locked by me, not for me (run/2)"),
            ("run/2", "you", "run/2", "n is locked by you (run/2), not for me"),
        ] as [(String?, String, String, String)])
    func saysWhatIsDifferent(wanted: String?, by: String, description: String, text: String) {
        #expect(claim(wanted).refusal(of: "n", lockedBy: by, description) == text)
    }

    @Test func whatIsWrittenAtTheEnd() {
        #expect(claim("/archive/7").finalDescription == "/archive/7")
        #expect(claim(nil).finalDescription == "provisioned by cirrata:u-1")
    }
}
