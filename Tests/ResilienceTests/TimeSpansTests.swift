import Resilience
import Testing
import World

private func at(_ seconds: Int64) -> Moment { Moment(nanoseconds: seconds * 1_000_000_000) }

@Suite struct TimeSpansTests {
    private let spans = TimeSpans([(at(10), at(20)), (at(30), at(40))])

    @Test(arguments: [(0, 20), (10, 20), (15, 15), (20, 10), (25, 10), (39, 1), (40, 0), (99, 0)] as [(Int64, Int64)])
    func timeSince(start: Int64, closed: Int64) {
        #expect(spans.time(since: at(start)) == .seconds(closed))
    }

    /// What is closed at the same time keeps nobody waiting twice as long.
    @Test(
        arguments: [
            // Beside, before and between; touching; inside; across one edge, over one, over both.
            (50, 60, 30), (0, 5, 25), (22, 28, 26), (20, 30, 30), (40, 45, 25), (5, 10, 25), (12, 18, 20), (10, 20, 20),
            (15, 25, 25), (5, 15, 25), (5, 25, 30), (15, 35, 30), (0, 100, 100), (15, 15, 20), (60, 50, 20),
        ] as [(Int64, Int64, Int64)])
    func theUnionCounts(from: Int64, to: Int64, all: Int64) {
        var added = spans
        added.add(from: at(from), to: at(to))
        #expect(added.time(since: at(0)) == .seconds(all))
        var other = TimeSpans([(at(from), at(to))])
        other.formUnion(spans)
        #expect(other == added)
    }

    @Test func theyTakeBoundedMemoryAndStayNearlyRight() {
        var spans = TimeSpans()
        // One short gap among long ones: it goes first.
        for index in Int64(0)..<1_001 {
            let start = index * 100
            spans.add(from: at(start), to: at(start + (index == 500 ? 99 : 50)))
        }
        #expect(spans.time(since: at(0)) == .seconds(1_000 * 50 + 100))
        for index in Int64(1_001)..<3_000 { spans.add(from: at(index * 100), to: at(index * 100 + 50)) }
        // Since a late moment it is still exact enough: at most what was closed beside gaps of equal length.
        #expect(spans.time(since: at(299_900)) == .seconds(50))
    }
}
