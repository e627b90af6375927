package import Simulation
import World

/// All scenarios, numbered from 0 without end. A number is a scenario, for ever the same as long as the code is: the
/// first half of every pair of numbers walks through the systematic ones, each request and each effect of each cast with
/// everything that can happen there; the second half is drawn by chance, pairs of troubles included.
package struct Campaign: Sendable {
    /// What one cast does when nothing goes wrong.
    private struct Extent: Sendable {
        var requests: Int
        var effects: Int

        static let acts = Blow.all.count

        /// Requests by faults, once and for ever; effects by edges and blows.
        var faults: Int { requests * RequestFault.allCases.count * 2 }
        var blows: Int { effects * 2 * Self.acts }
        /// Each request on its way when its worker dies.
        var late: Int { requests }
    }

    private let extents: [Extent]
    private let severalExtents: [Extent]
    private let order: Simulation.Order?
    /// How many systematic scenarios there are.
    package let systematic: Int

    /// Plays every cast once without trouble, to know what there is to disturb.
    /// - Parameter order: of all scenarios; nil: each its own.
    package init(order: Simulation.Order? = nil) {
        self.order = order
        func extent(_ cast: Cast) -> Extent {
            let verdict = Performance.run(Scenario(seed: 1, cast: cast))
            return Extent(requests: verdict.requests, effects: verdict.effects)
        }
        extents = Cast.single.map(extent)
        severalExtents = Cast.several.map(extent)
        systematic = extents.reduce(0) { $0 + $1.faults + $1.blows + $1.late }
    }

    package subscript(number: UInt64) -> Scenario {
        var random = SplitMix(seed: number ^ 0x5CE4_A210)
        let half = number / 2
        if number % 2 == 0, half < UInt64(systematic) {
            // A step that shares no factor with the count visits all of them, and the first few are not all alike.
            let index = Int(half.multipliedReportingOverflow(by: Self.step).partialValue % UInt64(systematic))
            return systematicScenario(index, seed: number, &random)
        }
        return chance(seed: number, &random)
    }

    /// A prime that divides no count of scenarios met so far; `visitsAll` is what a test holds it to.
    private static let step: UInt64 = 7_919

    /// Whether every systematic scenario has its number.
    package var visitsAll: Bool { systematic % Int(Self.step) != 0 }

    private func order(_ random: inout SplitMix) -> Simulation.Order {
        order ?? (random.next() % 4 == 0 ? .fifo : .shuffled)
    }

    private func systematicScenario(_ number: Int, seed: UInt64, _ random: inout SplitMix) -> Scenario {
        var index = number
        for (cast, extent) in zip(Cast.single, extents) {
            if index < extent.faults {
                let kinds = RequestFault.allCases.count
                let fault = RequestFault.allCases[index / 2 % kinds]
                let act = Trouble.Act.fault(fault, lasting: index % 2 == 1)
                let trouble = Trouble(.request(index / 2 / kinds + 1), [act])
                return Scenario(seed: seed, order: order ?? .fifo, cast: cast, troubles: [trouble])
            }
            index -= extent.faults
            if index < extent.blows {
                let blow = Blow.all[index / 2 % Extent.acts]
                let point = Trouble.Point.effect(index / 2 / Extent.acts + 1, index % 2 == 0 ? .before : .after)
                return Scenario(
                    seed: seed, order: order ?? .fifo, cast: cast, troubles: [Trouble(point, blow)])
            }
            index -= extent.blows
            if index < extent.late {
                // The next worker has looked by then, and has not finished.
                let trouble = Trouble(.request(index + 1), [.late(.milliseconds(1_500)), .kill])
                return Scenario(seed: seed, order: order ?? .fifo, cast: cast, troubles: [trouble])
            }
            index -= extent.late
        }
        return chance(seed: seed, &random)
    }

    private func chance(seed: UInt64, _ random: inout SplitMix) -> Scenario {
        let isSingle = random.next() % 2 == 0
        let casts = isSingle ? Cast.single : Cast.several
        let which = Int(random.next() % UInt64(casts.count))
        let extent = (isSingle ? extents : severalExtents)[which]
        let count = [0, 1, 1, 2, 2, 2][Int(random.next() % 6)]
        let troubles = (0..<count).map { _ in trouble(extent, &random) }
        return Scenario(seed: seed, order: order(&random), cast: casts[which], troubles: troubles)
    }

    private func trouble(_ extent: Extent, _ random: inout SplitMix) -> Trouble {
        // Beyond the end, too: what goes wrong makes a job longer.
        if random.next() % 2 == 0 {
            let index = 1 + Int(random.next() % UInt64(extent.requests * 3 / 2))
            let faults = RequestFault.allCases
            let fault = faults[Int(random.next() % UInt64(faults.count))]
            return Trouble(.request(index), [.fault(fault, lasting: random.next() % 4 == 0)])
        }
        let index = 1 + Int(random.next() % UInt64(max(10, extent.effects) * 3 / 2))
        let blow = Blow.all[Int(random.next() % UInt64(Blow.all.count))]
        return Trouble(.effect(index, random.next() % 2 == 0 ? .before : .after), blow)
    }
}

/// What can happen to a worker at any point of its work.
private enum Blow {
    static let all: [[Trouble.Act]] = [
        [.kill],
        [.kill, .relock],
        [.kill, .unlock],
        [.kill, .brokerRestarts],
        [.kill, .brokerForgets],
        [.losePower],
        [.drain],
        [.freeze(.seconds(20))],
        [.freeze(.seconds(100))],
        // Somebody else gets the job while the first one sleeps.
        [.freeze(.seconds(100)), .brokerDropsConnections],
        [.freeze(.seconds(100)), .relock],
        [.brokerRestarts],
        [.brokerForgets],
        [.brokerDropsConnections],
        [.brokerIsFull(.seconds(40))],
        [.brokerDrains(.seconds(40))],
        [.brokerClock(.seconds(3_600))],
        [.brokerClock(.seconds(-3_600))],
        [.brokerUnreachable(.seconds(90))],
        [.relock],
        [.unlock],
        [.removeServer],
        [.failServer],
        [.markDown(.seconds(40))],
        [.noQuota(.seconds(40))],
        [.revokeTokens],
    ]
}
