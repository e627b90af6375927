import World

/// Random numbers that depend on nothing but the seed and how many were taken before.
package final class SeededRandom: RandomSource {
    private let generator: Locked<SplitMix>

    package init(seed: UInt64) {
        generator = Locked(SplitMix(seed: seed))
    }

    package func next() -> UInt64 {
        generator.withLock { $0.next() }
    }
}
