/// What a Sandbox serves; the name is also the first part of the path.
package enum SandboxService: String, Sendable, Hashable, CaseIterable {
    case identity
    case compute
    case image
    case network
    case volume
    case paddles
    case nsupdate
}
