/// The steps of our pipelines, as they are called in the configuration, in logs and in reports.
package enum StepName {
    package static let claim = "claim"
    package static let createServer = "create-server"
    package static let waitActive = "wait-active"
    package static let attachVolumes = "attach-volumes"
    package static let pushDNS = "push-dns"
    package static let waitReady = "wait-ready"
    package static let commit = "commit"
    package static let guardDestroy = "guard"
    package static let removal = "removal"
    package static let parkDNS = "park-dns"
    package static let paddles = "paddles"
}
