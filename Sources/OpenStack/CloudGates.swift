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
    ///   - services: for all services but Keystone; the default is what OVH allows (20 requests a second).
    ///   - login: for Keystone; the default keeps below 60 logins a minute (facts/openstack.md 5.2).
    ///   - onChange: told of every change of state of every gate.
    package init(
        provider: String, services: GateSettings = GateSettings(),
        login: GateSettings = GateSettings(concurrency: 2, rate: 0.5, burst: 5), world: World,
        onChange: @escaping @Sendable (CloudService, GateState) -> Void = { _, _ in }
    ) {
        func gate(_ service: CloudService, _ settings: GateSettings) -> Gate {
            Gate(service: service.rawValue, provider: provider, settings: settings, world: world) {
                onChange(service, $0)
            }
        }
        identity = gate(.identity, login)
        compute = gate(.compute, services)
        image = gate(.image, services)
        network = gate(.network, services)
        blockStorage = gate(.blockStorage, services)
    }

    package subscript(service: CloudService) -> Gate {
        switch service {
        case .identity: identity
        case .compute: compute
        case .image: image
        case .network: network
        case .blockStorage: blockStorage
        }
    }

    package var all: [Gate] { CloudService.allCases.map { self[$0] } }
}
