/// How a simulated beanstalkd is started.
package struct BrokerSettings: Sendable, Hashable {
    package enum Version: String, Sendable, Hashable {
        /// Debian's: bare strings in statistics, negative time-outs wait for ever.
        case debian = "1.12"
        /// Quoted strings, strict time-outs (facts G6).
        case newer = "1.13"
    }

    /// What happens when a reservation's time to run is over and its connection is silent.
    package enum Expiry: Sendable, Hashable {
        /// The job is ready at that moment.
        case prompt
        /// It stays reserved until its connection speaks or ends, and a late touch is answered TOUCHED.
        case late
        /// One or the other, by the seed. This is what the real one does: measured on 1.12, about half of the
        /// reservations on silent connections were not given back (facts B9, I9). Its clock counts microseconds, it
        /// polls without pause in the last millisecond, and a look in the very microsecond of the deadline drops the
        /// connection from the list of those to look at.
        case asMeasured
    }

    package var version = Version.debian
    package var expiry = Expiry.prompt
    /// Started with `-b`.
    package var isPersistent = true
    /// `-z`: the largest body.
    package var maximumJobSize = 65_535
    package var hostname = "broker"

    package init() {}
}
