import YAMLKit

/// Names of the tubes in the broker.
package struct TubeSettings: Sendable, Hashable {
    package var provision = "cirrata.provision"
    package var destroy = "cirrata.destroy"
    package var reports = "cirrata.reports"
    package var workers = "cirrata.workers"
    package var sweep = "cirrata.sweep"

    package init() {}

    /// The tube for provisions with a provider.
    package func provision(_ provider: String) -> String { "\(provision).\(provider)" }
    package func destroy(_ provider: String) -> String { "\(destroy).\(provider)" }

    static let schema = Schema<TubeSettings>([
        .value(
            "provision", \.provision, .tube,
            "Prefix: .PROVIDER is added. Never the bare machine type: that tube is teuthology-dispatcher's."),
        .value("destroy", \.destroy, .tube, "Prefix: .PROVIDER is added."),
        .value("reports", \.reports, .tube, "Reports on failed jobs."),
        .value("workers", \.workers, .tube, "Signs of life of the workers."),
        .value("sweep", \.sweep, .tube, "The token that says whose turn it is to sweep."),
    ])
}

package struct LogSettings: Sendable, Hashable {
    package enum Format: String, Sendable, CaseIterable { case text, json }
    package enum Level: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error, critical }

    package var format = Format.text
    package var level = Level.info

    package init() {}

    static let schema = Schema<LogSettings>([
        .value("format", \.format, .choice, "Lines for people, or one JSON object a line."),
        .value("level", \.level, .choice, "The least severe that is written. debug shows every request."),
    ])
}

package struct ReportSettings: Sendable, Hashable {
    package var maximumBytes = 16_384
    package var maximumCount = 10_000

    package init() {}

    static let schema = Schema<ReportSettings>([
        .value(
            "max_bytes", \.maximumBytes, .integer(in: 1_024...65_000, unit: "bytes"),
            "Of one report; beanstalkd takes 65,535 by default."),
        .value(
            "max_count", \.maximumCount, .integer(in: 1...1_000_000),
            "Reports kept in the broker; with more, the oldest go."),
    ])
}

/// Several burials of one cause in a short time are a failure of the site, not of the jobs.
package struct BurialBrakeSettings: Sendable, Hashable {
    package var count = 5
    package var within: Duration = .seconds(600)

    package init() {}

    static let schema = Schema<BurialBrakeSettings>([
        .value(
            "count", \.count, .integer(in: 1...10_000),
            "After so many burials of one cause at different nodes, without a success between, the provider gets no new "
                + "servers for a while."
        ),
        .value(
            "within", \.within, .duration(in: .seconds(1) ... .seconds(86_400)), "The time into which they must fall."),
    ])
}

/// What no job owns any more is removed by the workers, in turn.
package struct SweepSettings: Sendable, Hashable {
    package var isEnabled = true
    package var interval: Duration = .seconds(3_600)

    package init() {}

    static let schema = Schema<SweepSettings>([
        .value(
            "enabled", \.isEnabled, .boolean,
            "Whether workers sweep by themselves. `cirrata sweep` works either way."),
        .value(
            "interval", \.interval, .duration(in: .seconds(1) ... .seconds(7 * 86_400)),
            "From one sweep of the site to the next, whichever worker does it."),
    ])
}

package struct HTTPSettings: Sendable, Hashable {
    package var timeout: Duration = .seconds(60)

    package init() {}

    static let schema = Schema<HTTPSettings>([
        .value(
            "timeout", \.timeout, .duration(in: .seconds(1) ... .seconds(3_600)),
            "For a whole request. Nova can take a minute to accept a server; libcloud's own limit is the same.")
    ])
}
