import Scenarios
import Simulation
import Testing
import World

/// The scenarios of `ops/simulate`: that numbers mean what they say, and those that once broke an invariant.
@Suite struct CampaignTests {
    @Test func numbersMeanTheSameForEver() {
        let campaign = Campaign()
        #expect(campaign.systematic > 20_000)
        #expect(campaign.visitsAll)
        #expect(campaign[12_345] == Campaign()[12_345])
        #expect(Set((0..<200).map { campaign[$0].description }).count > 190)
    }

    @Test func theFirstOnesHold() {
        let campaign = Campaign()
        for number in UInt64(0)..<40 {
            let (scenario, verdict, _) = campaign.play(number)
            #expect(verdict.violations.isEmpty, "\(number): \(scenario): \(verdict.violations)")
        }
    }

    @Test(arguments: [Simulation.Order.fifo, .shuffled])
    func oneSeedHasOneTrace(order: Simulation.Order) {
        for cast in Cast.several {
            let trouble = Trouble(.effect(30, .after), [.kill, .brokerRestarts])
            let scenario = Scenario(seed: 7, order: order, cast: cast, troubles: [trouble])
            #expect(Performance.run(scenario).traceHash == Performance.run(scenario).traceHash)
        }
    }

    /// A worker dies with a request on its way, which arrives when the next worker has looked: at every request.
    @Test(arguments: Cast.single.filter { $0.name.contains("3 volumes") })
    func aRequestThatOutlivesItsWorker(cast: Cast) {
        for number in 1...Performance.run(Scenario(seed: 1, cast: cast)).requests {
            let trouble = Trouble(.request(number), [.late(.milliseconds(1_500)), .kill])
            let scenario = Scenario(seed: UInt64(number), cast: cast, troubles: [trouble])
            let verdict = Performance.run(scenario)
            #expect(verdict.violations.isEmpty, "\(scenario): \(verdict.violations)")
        }
    }

    private static func cast(_ name: String) -> Cast? { (Cast.single + Cast.several).first { $0.name == name } }

    /// Each of these broke an invariant when it was found.
    static let found: [(cast: String, order: Simulation.Order, troubles: [Trouble])] = [
        // A destroy whose worker died forgot where the name pointed.
        ("destroy, 3 volumes, unlock", .fifo, [Trouble(.effect(22, .after), [.brokerForgets])]),
        ("destroy", .fifo, [Trouble(.effect(24, .after), [.drain])]),
        // What an older job left was nobody's when the newer one failed half-way.
        ("provision where an older one stands", .fifo, [Trouble(.request(15), [.fault(.badRequest, lasting: false)])]),
        ("provision where an older one stands", .fifo, [Trouble(.request(28), [.fault(.badRequest, lasting: false)])]),
        // Our own lock stayed where a stranger's server had the node's name.
        ("provision of any node", .fifo, [Trouble(.request(15), [.fault(.badRequest, lasting: true)])]),
        // A committed job came back to a node that had been unlocked: locked again, or removed.
        ("provision that locks, 1 volume", .fifo, [Trouble(.effect(66, .after), [.kill, .unlock])]),
        ("provision", .fifo, [Trouble(.effect(42, .before), [.kill, .unlock])]),
        // Its node was not found again once the lock had got its final description.
        ("provision of any node, 3 volumes", .fifo, [Trouble(.effect(24, .after), [.brokerDrains(.seconds(40))])]),
        ("provision of any node", .fifo, [Trouble(.effect(50, .before), [.brokerClock(.seconds(3_600))])]),
        // A release with a delay on a full disk: limbo.
        ("provision of any node, 3 volumes", .fifo, [Trouble(.effect(59, .before), [.brokerIsFull(.seconds(40))])]),
        // Two provisions of one node left DNS with the dead server.
        (
            "provision, provision", .shuffled,
            [Trouble(.effect(103, .after), [.unlock]), Trouble(.request(22), [.fault(.timeoutAfter, lasting: false)])]
        ),
        // Equal jobs removed each other's node.
        ("the same provision twice", .shuffled, [Trouble(.request(3), [.fault(.timeoutAfter, lasting: true)])]),
        // A report did not say that nobody could look.
        ("provision of any node", .fifo, [Trouble(.request(13), [.fault(.tooLarge, lasting: true)])]),
    ]

    @Test(arguments: found.indices)
    func whatWasFoundStaysMended(index: Int) throws {
        let story = Self.found[index]
        let cast = try #require(Self.cast(story.cast))
        for seed in UInt64(1)...3 {
            let scenario = Scenario(seed: seed, order: story.order, cast: cast, troubles: story.troubles)
            let verdict = Performance.run(scenario)
            #expect(verdict.violations.isEmpty, "\(scenario): \(verdict.violations)")
        }
    }

    private static func scenario(
        _ seed: UInt64, _ order: Simulation.Order, _ cast: String, _ troubles: [Trouble]
    ) -> Scenario? {
        Self.cast(cast).map { Scenario(seed: seed, order: order, cast: $0, troubles: troubles) }
    }

    private static func fault(_ request: Int, _ fault: RequestFault, lasting: Bool = false) -> Trouble {
        Trouble(.request(request), [.fault(fault, lasting: lasting)])
    }

    /// Drawn by chance, each under the number with which it broke an invariant. Effects are counted as the worker has them
    /// now: it touches its job more often than it did then.
    static let drawn: [Scenario?] = [
        // A commit whose answer was lost was forgotten once the server was gone, and its volumes removed.
        scenario(
            9_747, .fifo, "provision, destroy, provision",
            [
                fault(25, .wrongJSONAfter, lasting: true),
                Trouble(.effect(85, .before), [.freeze(.seconds(100)), .brokerDropsConnections]),
            ]),
        scenario(
            35_047, .shuffled, "provision, provision",
            [fault(30, .timeoutAfter, lasting: true), Trouble(.effect(103, .before), [.removeServer])]),
        // A removal cleared in paddles what a newer job had committed while it was stopped.
        scenario(28_671, .shuffled, "provision, provision", [Trouble(.effect(46, .after), [.freeze(.seconds(20))])]),
        // A commit that was decided on before the node was given away was written after it.
        scenario(
            30_493, .shuffled, "provision, provision of another owner",
            [fault(38, .refused), Trouble(.effect(49, .before), [.freeze(.seconds(20))])]),
        // The volumes of a second server of the same job stayed when that server went.
        scenario(
            17_257, .shuffled, "provision of any node, 3 volumes",
            [Trouble(.effect(30, .before), [.brokerClock(.seconds(3_600))])]),
        scenario(
            43_509, .shuffled, "provision where an older one stands",
            [fault(28, .conflict), Trouble(.effect(9, .before), [.brokerClock(.seconds(3_600))])]),
        // A report did not say that paddles still describes a server.
        scenario(
            32_067, .shuffled, "provision where an older one stands",
            [fault(34, .badRequest, lasting: true), Trouble(.effect(69, .after), [.markDown(.seconds(40))])]),
        // An equal job committed a server that had no address yet when the removal looked.
        scenario(
            56_697, .shuffled, "the same provision twice",
            [fault(16, .badRequest), fault(4, .tooManyRetryAfter, lasting: true)]),
        // A destroy that was stopped between its look and its write took the name from a server that came up meanwhile.
        scenario(9_487, .fifo, "destroy, provision", [Trouble(.effect(36, .before), [.freeze(.seconds(20))])]),
        // A committed server that is being deleted has no addresses any more, so its job began anew.
        scenario(
            38_405, .shuffled, "provision, destroy",
            [
                Trouble(.effect(37, .before), [.brokerClock(.seconds(-3_600))]),
                Trouble(.effect(37, .before), [.brokerIsFull(.seconds(40))]),
            ]),
        // A lease outlived its connection by a moment.
        scenario(
            53_413, .shuffled, "provision that locks, 1 volume",
            [
                Trouble(.effect(9, .before), [.freeze(.seconds(20))]),
                Trouble(.effect(18, .before), [.brokerUnreachable(.seconds(90))]),
            ]),
        // A removal pointed the name to an equal job's server that was not ready, and about to be removed.
        scenario(
            84_758, .shuffled, "the same provision twice", [fault(14, .badGatewayAfter, lasting: true)]),
        // Of two workers that had one job, the one whose server went pushed the name last.
        scenario(
            92_672, .shuffled, "provision, provision of another owner",
            [Trouble(.effect(16, .after), [.brokerClock(.seconds(3_600))])]),
        // A worker that was stopped before its commit wrote a server into paddles that a newer job had removed meanwhile.
        scenario(
            1_004_667, .shuffled, "provision, provision",
            [fault(78, .truncatedAfter), Trouble(.effect(60, .before), [.freeze(.seconds(20))])]),
        scenario(
            1_028_029, .shuffled, "provision where an older one stands",
            [
                Trouble(.effect(37, .before), [.brokerClock(.seconds(3_600))]),
                Trouble(.effect(82, .after), [.freeze(.seconds(20))]),
            ]),
        scenario(
            1_040_653, .shuffled, "provision, provision of another owner",
            [fault(56, .unavailableRetryAfter), Trouble(.effect(76, .after), [.brokerClock(.seconds(3_600))])]),
        // Of two workers that had one job, the one that found it committed left its own second server.
        scenario(
            1_002_346, .shuffled, "provision, provision",
            [
                Trouble(.effect(60, .after), [.failServer]),
                Trouble(.effect(39, .before), [.brokerClock(.seconds(3_600))]),
            ]),
        // A destroy did not see what an older provision had made between its look and the server's end.
        scenario(
            2_075_540, .shuffled, "provision, destroy",
            [fault(18, .tooManyRetryAfter), Trouble(.effect(125, .after), [.unlock])]),
        // A put in the future, by a clock that was stepped back, was newer than every destroy.
        scenario(
            2_237_912, .shuffled, "provision, destroy, provision",
            [
                Trouble(.effect(2, .before), [.brokerClock(.seconds(-3_600))]),
                Trouble(.effect(45, .before), [.kill, .brokerForgets]),
            ]),
        // A destroy parked a name late, saw the newer job's server, and left it so.
        scenario(
            2_238_722, .shuffled, "provision, destroy, provision",
            [Trouble(.effect(105, .before), [.freeze(.seconds(20))])]),
        scenario(
            3_017_221, .shuffled, "destroy, provision",
            [Trouble(.effect(39, .before), [.freeze(.seconds(20))]), fault(43, .wrongJSONAfter)]),
        // A removal that could not go on reported that nothing was left, and paddles still described a server.
        scenario(
            2_151_352, .shuffled, "provision where an older one stands",
            [fault(32, .badRequest), fault(23, .tooLarge, lasting: true)]),
        // Of two workers that had one job, one took a volume off the server that was kept; one removed and did not see what
        // the other had built meanwhile; one committed a server that the other removed, and the lock stayed.
        scenario(
            2_013_820, .shuffled, "provision of any node, 3 volumes",
            [Trouble(.effect(25, .after), [.brokerClock(.seconds(3_600))])]),
        scenario(
            2_127_733, .shuffled, "provision where an older one stands",
            [fault(25, .badRequest), Trouble(.effect(19, .after), [.brokerClock(.seconds(3_600))])]),
        scenario(
            2_220_833, .shuffled, "provision, provision",
            [Trouble(.effect(20, .before), [.brokerClock(.seconds(3_600))]), fault(44, .forbidden)]),
        scenario(
            2_289_584, .shuffled, "provision of any node",
            [
                Trouble(.effect(51, .before), [.brokerClock(.seconds(3_600))]),
                Trouble(.effect(23, .after), [.markDown(.seconds(40))]),
            ]),
        // Here the judge was wrong: a commit that a newer job has taken over, an id that is used again, a destroy that
        // could not say that it was done, a job in limbo.
        scenario(
            28_315, .shuffled, "provision, provision of another owner",
            [Trouble(.effect(25, .after), [.brokerIsFull(.seconds(40))]), fault(44, .badGateway)]),
        scenario(
            23_211, .fifo, "provision, provision of another owner",
            [fault(42, .emptyAfter, lasting: true), Trouble(.effect(70, .after), [.brokerForgets])]),
        scenario(
            20_249, .shuffled, "destroy, 3 volumes, unlock",
            [Trouble(.effect(16, .after), [.brokerIsFull(.seconds(40))]), fault(32, .refused, lasting: true)]),
        scenario(
            52_197, .shuffled, "destroy",
            [fault(10, .timeoutAfter), Trouble(.effect(41, .after), [.brokerIsFull(.seconds(40))])]),
        // A destroy whose age lies after the broker's clock was stepped; a connection that was lost while the worker was
        // stopped; a commit by a worker that has lost the job without knowing.
        scenario(
            8_603, .fifo, "destroy, 3 volumes, unlock",
            [Trouble(.effect(62, .after), [.brokerClock(.seconds(3_600))]), fault(10, .unauthorized)]),
        scenario(
            1_048_139, .shuffled, "provision, 3 volumes",
            [
                Trouble(.effect(48, .after), [.freeze(.seconds(100)), .brokerDropsConnections]),
                Trouble(.effect(11, .before), [.brokerUnreachable(.seconds(90))]),
            ]),
        scenario(
            37_769, .shuffled, "provision, 3 volumes",
            [Trouble(.effect(50, .before), [.freeze(.seconds(100)), .brokerDropsConnections])]),
        scenario(
            73_245, .shuffled, "provision, provision",
            [fault(78, .truncatedAfter), Trouble(.effect(41, .before), [.brokerClock(.seconds(3_600))])]),
        scenario(
            99_954, .fifo, "destroy, 3 volumes, unlock",
            [Trouble(.effect(18, .before), [.brokerClock(.seconds(3_600))]), fault(16, .unavailableRetryAfter)]),
        scenario(
            1_056_061, .shuffled, "destroy",
            [Trouble(.effect(21, .after), [.brokerClock(.seconds(3_600))]), fault(17, .badRequest)]),
        // And here: who had spoken last of two, a job that was put anew ahead of another, a record that is another owner's, a
        // worker that was stopped while its requests left, a refusal that leaves nothing in doubt, a POST that only reads,
        // jobs that the broker forgot when all was over.
        scenario(
            2_019_103, .shuffled, "the same provision twice",
            [Trouble(.effect(96, .after), [.kill, .relock]), fault(12, .badRequest)]),
        scenario(
            2_131_127, .shuffled, "the same provision twice", [fault(21, .tooManyRetryAfter), fault(15, .badRequest)]),
        scenario(
            2_283_838, .shuffled, "destroy, 3 volumes, unlock",
            [fault(10, .badRequest), Trouble(.effect(24, .before), [.brokerClock(.seconds(3_600))])]),
        scenario(
            2_301_907, .shuffled, "provision, provision",
            [Trouble(.effect(81, .before), [.brokerForgets]), fault(14, .timeoutBefore)]),
        scenario(
            2_316_223, .shuffled, "provision, provision of another owner",
            [fault(31, .unavailable, lasting: true), Trouble(.effect(14, .before), [.brokerUnreachable(.seconds(90))])]),
        scenario(
            2_348_677, .shuffled, "provision, destroy, provision",
            [
                Trouble(.effect(104, .before), [.brokerDropsConnections]),
                Trouble(.effect(4, .after), [.brokerIsFull(.seconds(40))]),
            ]),
        scenario(
            2_089_590, .shuffled, "provision, 3 volumes",
            [
                Trouble(.effect(44, .before), [.freeze(.seconds(100)), .brokerDropsConnections]),
                Trouble(.effect(11, .before), [.brokerClock(.seconds(3_600))]),
            ]),
        scenario(
            2_139_300, .shuffled, "provision of any node, 3 volumes",
            [
                Trouble(.effect(31, .after), [.brokerClock(.seconds(-3_600))]),
                Trouble(.effect(57, .after), [.freeze(.seconds(100)), .brokerDropsConnections]),
            ]),
        scenario(
            3_001_550, .shuffled, "provision that locks, 1 volume",
            [
                Trouble(.effect(15, .after), [.brokerClock(.seconds(-3_600))]),
                Trouble(.effect(33, .before), [.freeze(.seconds(100)), .brokerDropsConnections]),
            ]),
        scenario(
            4_121_307, .shuffled, "provision where an older one stands",
            [fault(18, .emptyAfter), Trouble(.effect(43, .before), [.revokeTokens])]),
        scenario(
            4_178_342, .shuffled, "provision where an older one stands",
            [Trouble(.effect(61, .after), [.freeze(.seconds(100))]), fault(20, .badGateway, lasting: true)]),
        scenario(
            2_199_455, .shuffled, "destroy",
            [Trouble(.effect(39, .before), [.brokerForgets]), fault(10, .badRequest)]),
        // A job that is put anew after a newer one is the newest.
        scenario(
            95_761, .fifo, "provision, provision",
            [fault(18, .forbidden), Trouble(.effect(72, .after), [.kill, .brokerForgets])]),
    ]

    @Test(arguments: drawn.indices)
    func whatWasDrawnStaysMended(index: Int) throws {
        let scenario = try #require(Self.drawn[index])
        let verdict = Performance.run(scenario)
        #expect(verdict.violations.isEmpty, "\(scenario): \(verdict.violations)")
    }
}
