import YAMLKit

/// What one service of one provider is asked at most.
package struct ServiceRate: Sendable, Hashable {
    package var perSecond: Double
    package var burst: Int
    package var concurrency: Int

    package init(perSecond: Double, burst: Int, concurrency: Int) {
        self.perSecond = perSecond
        self.burst = burst
        self.concurrency = concurrency
    }

    static let schema = Schema<ServiceRate>([
        .value("per_second", \.perSecond, .number(in: 0.01...10_000), "Requests a second, in the long run."),
        .value("burst", \.burst, .integer(in: 1...10_000), "Requests that may follow each other without a pause."),
        .value("concurrency", \.concurrency, .integer(in: 1...1_000), "Requests that may be under way at once."),
    ])
}

/// OVH's published limits are 20 requests a second for a project and service, and 60 logins a minute for a user.
package struct RateSettings: Sendable, Hashable {
    package var identity = ServiceRate(perSecond: 1, burst: 5, concurrency: 2)
    package var compute = ServiceRate(perSecond: 20, burst: 20, concurrency: 32)
    package var image = ServiceRate(perSecond: 20, burst: 20, concurrency: 8)
    package var network = ServiceRate(perSecond: 20, burst: 20, concurrency: 8)
    package var volume = ServiceRate(perSecond: 20, burst: 20, concurrency: 32)

    package init() {}

    static let schema = Schema<RateSettings>([
        .section("identity", \.identity, ServiceRate.schema, "Keystone. OVH allows 60 logins a minute for a user."),
        .section("compute", \.compute, ServiceRate.schema, "Nova. OVH allows 20 requests a second for a project."),
        .section("image", \.image, ServiceRate.schema, "Glance."),
        .section("network", \.network, ServiceRate.schema, "Neutron."),
        .section("volume", \.volume, ServiceRate.schema, "Cinder. OVH allows 20 requests a second for a project."),
    ])
}
