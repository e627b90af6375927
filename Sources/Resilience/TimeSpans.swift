package import World

/// Stretches of time, disjoint and in order: when something was closed. Those of several gates are united, as two that
/// are closed at the same time keep nobody waiting twice as long.
package struct TimeSpans: Sendable, Hashable {
    private struct Span: Sendable, Hashable {
        var from: Moment
        var to: Moment
    }

    private var spans: [Span] = []
    /// A gate that flaps for weeks must not fill the memory: beyond this the shortest gap is taken for closed, too.
    private static let most = 1_000

    package init() {}

    package init(_ spans: [(from: Moment, to: Moment)]) {
        for span in spans { add(from: span.from, to: span.to) }
    }

    /// Adds a stretch that may touch or overlap others.
    package mutating func add(from: Moment, to: Moment) {
        guard from < to else { return }
        // Nearly always the latest.
        let before = spans.lastIndex { $0.to < from }.map { $0 + 1 } ?? 0
        let after = spans[before...].firstIndex { $0.from > to } ?? spans.endIndex
        let touched = spans[before..<after]
        let joined = Span(from: min(from, touched.first?.from ?? from), to: max(to, touched.last?.to ?? to))
        spans.replaceSubrange(before..<after, with: [joined])
        if spans.count > Self.most { closeShortestGap() }
    }

    package mutating func formUnion(_ others: TimeSpans) {
        for span in others.spans { add(from: span.from, to: span.to) }
    }

    /// How much of the time after `start` lies within them.
    package func time(since start: Moment) -> Duration {
        spans.reversed().prefix { $0.to > start }.reduce(.zero) { $0 + ($1.to - max(start, $1.from)) }
    }

    private mutating func closeShortestGap() {
        let shortest = spans.indices.dropLast().min {
            spans[$0 + 1].from - spans[$0].to < spans[$1 + 1].from - spans[$1].to
        }
        guard let shortest else { return }
        spans[shortest].to = spans[shortest + 1].to
        spans.remove(at: shortest + 1)
    }
}
