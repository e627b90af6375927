/// A time on the wire: whole seconds, 32 bits.
package struct WireSeconds: Sendable, Hashable {
    package let count: UInt32

    package init(_ count: UInt32) {
        self.count = count
    }

    /// Rounds up, so that a pause is never shorter than asked for, and clamps to 0 … 2³²−1 seconds.
    package init(roundingUp duration: Duration) {
        let (seconds, attoseconds) = duration.components
        count = UInt32(clamping: attoseconds > 0 && seconds < .max ? seconds + 1 : seconds)
    }

    package var duration: Duration { .seconds(Int64(count)) }
}
