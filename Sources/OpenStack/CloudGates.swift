package import Resilience
package import World

/// One gate per service of a provider.
package struct CloudGates: Sendable {
    package let identity: Gate
    package let compute: Gate
    package let image: Gate
    package let network: Gate
    package let blockStorage: Gate

    /// - Parameters:
    ///   - settings: for each service; the default is what OVH allows: 20 requests a second, and for Keystone 60 logins a
    ///     minute (facts/openstack.md 5.2).
    ///   - onChange: told of every change of state of every gate.
    package init(
        provider: String, settings: (OpenStackService) -> GateSettings = CloudGates.usual, world: World,
        onChange: @escaping @Sendable (OpenStackService, GateState) -> Void = { _, _ in }
    ) {
        func gate(_ service: OpenStackService) -> Gate {
            Gate(service: service.rawValue, provider: provider, settings: settings(service), world: world) {
                onChange(service, $0)
            }
        }
        identity = gate(.identity)
        compute = gate(.compute)
        image = gate(.image)
        network = gate(.network)
        blockStorage = gate(.blockStorage)
    }

    package static func usual(_ service: OpenStackService) -> GateSettings {
        service == .identity ? GateSettings(concurrency: 2, rate: 0.5, burst: 5) : GateSettings()
    }

    package subscript(service: OpenStackService) -> Gate {
        switch service {
        case .identity: identity
        case .compute: compute
        case .image: image
        case .network: network
        case .blockStorage: blockStorage
        }
    }

    package var all: [Gate] { OpenStackService.allCases.map { self[$0] } }
}
