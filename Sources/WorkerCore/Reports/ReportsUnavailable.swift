package import Beanstalk
import World

/// Why the reports cannot be read although the broker answers.
package struct ReportsUnavailable: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Reason: Sendable, Hashable {
        /// Others kept reserving them.
        case otherReaders
        case paused(Duration)
        /// They came more slowly than their time to run allows.
        case tooSlow
    }

    package var tube: TubeName
    package var why: Reason

    package init(tube: TubeName, why: Reason) {
        self.tube = tube
        self.why = why
    }

    package var description: String {
        switch why {
        case .otherReaders: "other readers hold reports of \(tube) again and again; try again in a moment"
        case .paused(let left): "the tube \(tube) is paused for another \(left.short); wait, or resume it"
        case .tooSlow: "the broker gave the reports of \(tube) more slowly than they may be held; try again"
        }
    }
}
