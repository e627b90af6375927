/// How a simulated beanstalkd is started.
package struct BrokerSettings: Sendable, Hashable {
    package enum Version: String, Sendable, Hashable {
        /// Debian's: bare strings in statistics, negative time-outs wait for ever.
        case debian = "1.12"
        /// Quoted strings, strict time-outs (facts G6).
        case newer = "1.13"
    }

    package var version = Version.debian
    /// Started with `-b`.
    package var isPersistent = true
    /// `-z`: the largest body.
    package var maximumJobSize = 65_535
    package var hostname = "broker"

    package init() {}
}
