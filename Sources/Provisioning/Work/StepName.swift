/// The steps of our pipelines, as they are called in the configuration, in logs and in reports.
package enum StepName: String, Sendable, Hashable, CaseIterable {
    case claim
    case createServer = "create-server"
    case waitActive = "wait-active"
    case attachVolumes = "attach-volumes"
    case pushDNS = "push-dns"
    case waitReady = "wait-ready"
    case commit
    case guardDestroy = "guard"
    case removal
    case parkDNS = "park-dns"
    case paddles
}
