package import Resilience
package import World

/// One provider's cloud: everything that steps, the sweeper and `doctor` ask of OpenStack.
package struct Cloud: Sendable {
    package let provider: String
    package let gates: CloudGates
    package let identity: Identity
    package let compute: Compute
    package let blockStorage: BlockStorage
    package let images: Images
    package let networks: Networks
    /// What can be had, kept for minutes.
    package let inventory: Inventory
    /// For everything that is waited for, and for find-or-create.
    package let watcher: Watcher
    private let time: any TimeSource

    /// - Parameter warn: told of what works but ought to be mended, such as an auth URL of v2.0.
    package init(
        settings: CloudSettings, gates: CloudGates, world: World, warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        let identity = Identity(settings: settings, gate: gates.identity, world: world, warn: warn)
        func client(_ service: OpenStackService) -> ServiceClient {
            ServiceClient(
                service: service, settings: settings, gate: gates[service], identity: identity, world: world)
        }
        let cache = InventoryCache(lifetime: settings.inventoryLifetime, time: world.time)
        provider = settings.provider
        self.gates = gates
        self.identity = identity
        compute = Compute(client: client(.compute), cache: cache)
        blockStorage = BlockStorage(client: client(.blockStorage))
        images = Images(client: client(.image))
        networks = Networks(client: client(.network))
        inventory = Inventory(
            cache: cache, compute: compute, images: images, networks: networks, blockStorage: blockStorage)
        watcher = Watcher(
            compute: compute, blockStorage: blockStorage, pace: PollingPace(base: settings.pollInterval), world: world)
        time = world.time
    }
}

/// How one service answered to the cheapest question there is.
package struct ProbeResult: Sendable {
    package var service: OpenStackService
    package var took: Duration
    /// Nil when all is well.
    package var error: ServiceError?
}

extension Cloud {
    /// Asks every service something cheap, one after another: for `doctor`, and as the probe that reopens gates. A closed
    /// gate makes it wait for its turn.
    /// - Parameter services: which; a login comes first whatever they are.
    /// - Throws: `CancellationError`.
    package func probe(
        _ services: [OpenStackService] = OpenStackService.allCases, for call: Call = Call()
    ) async throws -> [ProbeResult] {
        var results: [ProbeResult] = []
        for service in services {
            let began = time.now
            var failure: ServiceError?
            do {
                try await ping(service, call)
            } catch let error as ServiceError {
                failure = error
            }
            results.append(ProbeResult(service: service, took: time.now - began, error: failure))
        }
        return results
    }

    /// Returns once every gate lets requests through, knocking at those that do not: a gate that is broken or closed for
    /// configuration opens only to a request that succeeds.
    /// - Throws: `CancellationError`.
    package func untilOpen(for call: Call = Call()) async throws {
        for service in OpenStackService.allCases {
            while gates[service].state.isClosed {
                try Task.checkCancellation()
                let results = try await probe([service], for: call)
                // A login that is refused never reaches the service's own gate; do not ask again at once.
                if results.contains(where: { $0.error != nil }) { try await time.sleep(for: .seconds(1)) }
            }
        }
    }

    private func ping(_ service: OpenStackService, _ call: Call) async throws {
        switch service {
        case .identity: _ = try await identity.renewed(for: call)
        case .compute: try await compute.ping(for: call)
        case .image: try await images.ping(for: call)
        case .network: try await networks.ping(for: call)
        case .blockStorage: try await blockStorage.ping(for: call)
        }
    }
}
