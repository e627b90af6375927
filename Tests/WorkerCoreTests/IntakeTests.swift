import Beanstalk
import Configuration
import Jobs
import Pipelines
import Simulation
import Testing
import World

@testable import WorkerCore

@Suite struct WorkerTubesTests {
    @Test func aPairForEveryProvider() throws {
        let tubes = try WorkerTubes(TubeSettings(), providers: ["ovh", "vps"])
        #expect(
            tubes.pairs.map { [$0.provider, $0.provision.text, $0.destroy.text] } == [
                ["ovh", "cirrata.provision.ovh", "cirrata.destroy.ovh"],
                ["vps", "cirrata.provision.vps", "cirrata.destroy.vps"],
            ])
        #expect(tubes.reports.text == "cirrata.reports")
        #expect(tubes.workers.text == "cirrata.workers")
    }

    @Test func aTubeAndItsMeaning() throws {
        let tubes = try WorkerTubes(TubeSettings(), providers: ["ovh", "vps"])
        for provider in ["ovh", "vps"] {
            for action in JobAction.allCases {
                let tube = try #require(tubes.tube(action, provider: provider))
                let meaning = try #require(tubes.meaning(of: tube))
                #expect(meaning.provider == provider)
                #expect(meaning.action == action)
            }
        }
        #expect(tubes.tube(.provision, provider: "aws") == nil)
        for other in ["cirrata.provision", "cirrata.provision.aws", "ovh", "default", "cirrata.reports"] {
            #expect(tubes.meaning(of: try TubeName(other)) == nil)
        }
    }

    @Test func aProviderThatMakesNoTubeIsRefused() {
        #expect(throws: InvalidTubeName.self) { try WorkerTubes(TubeSettings(), providers: ["o v h"]) }
    }
}

@Suite struct ReceptionistTests {
    private let simulation = Simulation(seed: 1)

    private func take(_ delivery: Delivery) throws -> Intake {
        let receptionist = Receptionist(
            tubes: try WorkerTubes(TubeSettings(), providers: ["ovh", "vps"]),
            body: JobBody(labDomain: "front.lab.test", providers: ["ovh", "vps"]), time: simulation.time)
        return receptionist.take(delivery)
    }

    private func refusal(_ delivery: Delivery) throws -> (outcome: Outcome, stub: JobStub)? {
        if case .refuse(let outcome, let stub) = try take(delivery) { return (outcome, stub) }
        return nil
    }

    @Test func aJobIsReadWithWhatItsTubeSays() throws {
        let delivery = try Delivery.of("{action: provision, node: ovh001, owner: me, uuid: u-1}", age: .seconds(90))
        guard case .work(let job) = try take(delivery) else {
            Issue.record("no work")
            return
        }
        #expect(job.action == .provision)
        #expect(job.provider == "ovh")
        #expect(job.node?.qualified == "ovh001.front.lab.test")
        #expect(job.key == "u-1")
        // By the broker's clock, in whole seconds: every delivery gives the same.
        let put = simulation.time.wallClock - .seconds(90)
        #expect(job.order.put == Timestamp(seconds: put.microseconds / 1_000_000))
    }

    @Test(arguments: [
        ("{priority: 100, name: run}", "the body has no 'action'"), ("{action: ~, node: x}", "no 'action'"),
        ("{action: provision, v: 2}", "of version 2"),
    ])
    func otherPeoplesJobs(body: String, why: String) throws {
        guard case .foreign(let said) = try take(.of(body)) else {
            Issue.record("not foreign")
            return
        }
        #expect(said.contains(why))
    }

    @Test(arguments: [
        ("action: [", "malformed", "not YAML"), ("", "malformed", "the body is empty"),
        ("[1]", "malformed", "expected a mapping"),
        ("{action: provision, node: ovh001}", "malformed", "owner: missing"),
        ("{action: destroy, owner: me}", "malformed", "a destroy job in the tube for provision"),
        ("{action: provision, owner: me, node: 'ovh001; x'}", "malformed", "node name"),
        ("{action: provision, owner: me, machine_type: aws}", "malformed", "provider \"aws\" is not configured here"),
        ("{action: provision, owner: me, reply_to: 'a b'}", "malformed", "reply_to: "),
        ("{action: provision, owner: me, reply_to: cirrata.reports}", "malformed", "a tube of cirrata's own"),
        ("{action: provision, owner: me, reply_to: cirrata.sweep.probe}", "malformed", "a tube of cirrata's own"),
        ("{action: provision, owner: me, reply_to: cirrata.provision.aws}", "malformed", "a tube of cirrata's own"),
        ("{action: provision, owner: me, reply_to: default}", "malformed", "teuthology's dispatcher"),
        ("{action: provision, owner: me, reply_to: ovh}", "malformed", "teuthology's dispatcher"),
    ])
    func jobsThatCanNeverWork(body: String, cause: String, message: String) throws {
        let refusal = try #require(try refusal(.of(body)))
        #expect(refusal.outcome.kind == .rejected)
        #expect(refusal.outcome.cause == cause)
        #expect(refusal.outcome.message.contains(message), "\(refusal.outcome.message)")
        #expect(!refusal.outcome.next.isEmpty)
    }

    /// Whatever else is wrong with the job, and whatever the tubes are called.
    @Test func aTubeThatIsNotForRepliesGetsNone() throws {
        for name in ["ovh", "default", "cirrata.sweep", "a b"] {
            for rest in ["owner: me", "owner: me, node: Ovh001"] {
                let refusal = try #require(try refusal(.of("{action: provision, \(rest), reply_to: '\(name)'}")))
                #expect(refusal.stub.replyTo == nil, "\(name), \(rest)")
            }
        }
        var settings = TubeSettings()
        settings.reports = "lab.reports"
        #expect(throws: RefusedReplyTube.self) { try settings.replyTube("lab.reports", machineTypes: []) }
        for name in ["cirrata.reply.x", "cirrata-mine", "ovh.replies", "lab.reportsx"] {
            #expect(try settings.replyTube(name, machineTypes: ["ovh"]).text == name)
        }
    }

    /// Whoever waits for an answer gets one, even to a job that cannot be read to its end.
    @Test func aRefusalKnowsWhomToTell() throws {
        let body = "{action: provision, node: Ovh001, owner: me, uuid: u-2, reply_to: answers, name: run, job_id: 7}"
        let stub = try #require(try refusal(.of(body))).stub
        #expect(
            stub
                == JobStub(
                    key: "u-2", action: "provision", node: "Ovh001", provider: "ovh", replyTo: "answers", uuid: "u-2",
                    run: "run/7"))
    }

    @Test(arguments: [(1, true), (9, true), (10, false), (86_400, false)])
    func aLeaseThatCannotBeKept(ttr: Int, isRefused: Bool) throws {
        let refusal = try refusal(.of("{action: provision, node: ovh001, owner: me}", ttr: .seconds(ttr)))
        #expect((refusal != nil) == isRefused)
        guard let refusal else { return }
        #expect(refusal.outcome.cause == "ttr-too-short")
        #expect(refusal.outcome.next == "put it with a TTR of at least 10s; 300 s is usual")
        #expect(refusal.stub.node == "ovh001.front.lab.test")
    }
}

@Suite struct WorkerMemoryTests {
    /// However many come by: the first of each tube at once, then one line a minute with how many it stands for.
    @Test func foreignJobsAreSaidOnceAMinute() throws {
        let simulation = Simulation(seed: 1)
        let said = Locked([String]())
        let policy = SettlementPolicy(retryBase: .seconds(10), retryLimit: .seconds(600), capacityDelay: .seconds(60))
        let foreign = ForeignJobs(policy: policy, time: simulation.time) { notice in
            if case .foreignJob(let tube, let why, let count, let isBuried) = notice {
                said.withLock { $0.append("\(tube) \(why) \(count)\(isBuried ? " buried" : "")") }
            }
        }
        let a = try Delivery.of("", tube: "a")
        let b = try Delivery.of("", tube: "b")
        let old = try Delivery.of("", tube: "a", releases: 30)
        try simulation.run { world in
            for second in 0..<150 {
                #expect(foreign.end(of: a.statistics, why: "\(second)") == .putBack(after: .seconds(60)))
                if second == 30 { _ = foreign.end(of: b.statistics, why: "other") }
                if second == 31 { #expect(foreign.end(of: old.statistics, why: "old") == .bury) }
                try await world.time.sleep(for: .seconds(1))
            }
        }
        #expect(said.withLock { $0 } == ["a 0 1", "b other 1", "a old 1 buried", "a 60 60", "a 120 60"])
    }

    @Test func whatIsHeldIsShownWithItsStep() {
        let holdings = Holdings()
        let start = Timestamp(seconds: 1_000)
        holdings.took(.of(9), at: start)
        holdings.took(.of(3), at: start)
        holdings.record(
            EventRecord(at: start + .seconds(5), job: .of(9), event: .stepStarted(step: "claim", attempt: 1)))
        holdings.record(EventRecord(at: start + .seconds(6), job: .of(9), event: .note(step: "claim", text: "x")))
        holdings.record(EventRecord(at: start, job: .of(4), event: .stepStarted(step: "claim", attempt: 1)))
        #expect(
            holdings.all == [
                Presence.Held(jobID: 3, key: "k3", action: "provision", node: "ovh001", step: "", since: start),
                Presence.Held(
                    jobID: 9, key: "k9", action: "provision", node: "ovh001", step: "claim",
                    since: start + .seconds(5)),
            ])
        holdings.gave(3)
        holdings.gave(9)
        #expect(holdings.all.isEmpty)
    }
}
