import YAMLKit

/// How long one step may take.
package struct StepLimits: Sendable, Hashable {
    /// One attempt.
    package var timeout: Duration
    /// Transient trouble is tried again for so long before the job is put back.
    package var patience: Duration

    package init(timeout: Duration, patience: Duration) {
        self.timeout = timeout
        self.patience = patience
    }

    static let schema = Schema<StepLimits>([
        .value(
            "timeout", \.timeout, .duration(in: .seconds(1) ... .seconds(86_400)),
            "One attempt is cut off after this time."),
        .value(
            "patience", \.patience, .duration(in: .zero ... .seconds(86_400)),
            "Attempts that failed for a passing reason are repeated for this long; then the job goes back to the queue."
        ),
    ])
}

/// The limits of every step, under the names that reports and logs use.
package struct StepSettings: Sendable, Hashable {
    package var claim = StepLimits(timeout: .seconds(30), patience: .seconds(300))
    package var createServer = StepLimits(timeout: .seconds(120), patience: .seconds(600))
    package var waitActive = StepLimits(timeout: .seconds(600), patience: .seconds(900))
    package var attachVolumes = StepLimits(timeout: .seconds(600), patience: .seconds(900))
    package var pushDNS = StepLimits(timeout: .seconds(60), patience: .seconds(600))
    package var waitReady = StepLimits(timeout: .seconds(900), patience: .seconds(900))
    package var commit = StepLimits(timeout: .seconds(30), patience: .seconds(600))
    package var guardStep = StepLimits(timeout: .seconds(30), patience: .seconds(300))
    package var removal = StepLimits(timeout: .seconds(900), patience: .seconds(1_800))
    package var parkDNS = StepLimits(timeout: .seconds(60), patience: .seconds(600))
    package var paddles = StepLimits(timeout: .seconds(30), patience: .seconds(600))

    package init() {}

    /// The limits of a step by its name; nil for a name that is none of a pipeline's.
    package subscript(name: String) -> StepLimits? {
        Self.steps.first { $0.name == name }.map { self[keyPath: $0.place] }
    }

    package static var names: [String] { steps.map(\.name) }

    private static let steps: [(name: String, place: any Place<StepSettings, StepLimits>, meaning: String)] = [
        ("claim", \.claim, "Asking paddles whether the node is ours to build."),
        (
            "create-server", \.createServer,
            "Choosing image, flavor and networks, and creating the server. Clouds under load answer slowly."
        ),
        (
            "wait-active", \.waitActive,
            "From the accepted request to an ACTIVE server with an address. teuthology gives up after 10 minutes."
        ),
        ("attach-volumes", \.attachVolumes, "Creating the volumes and attaching them, all together."),
        (
            "push-dns", \.pushDNS,
            "Giving the name its address. The bridge may take 3 s for one name, and answers a few dozen a second."
        ),
        (
            "wait-ready", \.waitReady,
            "Until ssh answers and cloud-init is finished: first boots install packages, which takes minutes."
        ),
        ("commit", \.commit, "Writing the finished node to paddles."),
        ("guard", \.guardStep, "Asking paddles whether the node is ours to destroy."),
        ("removal", \.removal, "Deleting servers and volumes, and seeing them gone."),
        ("park-dns", \.parkDNS, "Pointing the name of a destroyed node to the parking address."),
        ("paddles", \.paddles, "Clearing a destroyed node's record."),
    ]

    static let schema = Schema<StepSettings>(
        steps.map { .section($0.name, $0.place, StepLimits.schema, $0.meaning) })
}
