import OpenStack

/// What is to be built for a job, chosen by teuthology's rules.
struct BuildPlan: Sendable {
    /// Without name, metadata and zone.
    var server: NewServer
    var osType: String
    var osVersion: String
    var volumeNames: [String]
    /// GB, each.
    var volumeSize: Int
    /// Digest of all of it: a server that was built after another plan is not adopted.
    var spec: String
    /// In words, for `cirrata run --dry-run` and the log.
    var summary: [String]
    var warnings: [String]
}
