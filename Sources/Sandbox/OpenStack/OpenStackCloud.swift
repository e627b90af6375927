package import HTTPKit
import HeapModule
import OrderedCollections
package import World

/// A cloud as its HTTP APIs show it: Keystone, Nova, Glance, Neutron and Cinder of release Zed, as recorded
/// (facts/openstack-observed.md). A value without time of its own: everything that would happen by itself lies in a
/// queue and is done when the next request, or `snapshot`, says what time it is. Equal configurations and equal requests
/// give equal answers, byte for byte.
package struct OpenStackCloud: Sendable {
    package var timings: CloudTimings
    /// Types that the catalog does not name although the service is there.
    package var missingTypes: Set<String>
    /// Set anew once a server knows on which port it listens.
    package var endpoints: CloudEndpoints { didSet { rendered.forget() } }
    package let configuration: CloudConfiguration
    /// How many servers were ever created, and volumes; for those who count leaks.
    package internal(set) var serversCreated = 0
    package internal(set) var volumesCreated = 0

    /// Nova's `reclaim_instance_interval`: a server that is deleted is put aside for so long, SOFT_DELETED, with its
    /// ports and volumes; nil: it goes at once.
    package var reclaimInterval: Duration?

    var random: CloudRandom
    var projects: OrderedDictionary<String, CloudProject>
    var users: OrderedDictionary<String, CloudUser>
    var applicationCredentials: OrderedDictionary<String, CloudApplicationCredential> = [:]
    /// By text. Only looked up, never walked in an order that shows.
    var tokens: [String: CloudToken] = [:]
    var flavors: OrderedDictionary<String, CloudFlavor>
    var images: OrderedDictionary<String, CloudImage>
    var networks: OrderedDictionary<String, CloudNetwork>
    var securityGroups: OrderedDictionary<String, CloudSecurityGroup>
    var zones: [String] { didSet { rendered.forget() } }
    /// Cinder's; nil: the same.
    var otherVolumeZones: [String]?
    var volumeZones: [String] { otherVolumeZones ?? zones }
    /// Nova's `cross_az_attach`.
    var attachesAcrossZones = true
    var keyPairs: OrderedDictionary<String, CloudKeyPair> = [:]
    /// By project.
    var quotas: OrderedDictionary<String, CloudQuotas>
    var servers: OrderedDictionary<String, CloudServer> = [:]
    var rendered = RenderedServers()
    var volumes: OrderedDictionary<String, CloudVolume> = [:]
    var ports: OrderedDictionary<String, CloudPort> = [:]
    var events = Heap<CloudEvent>()
    var eventsPosted: UInt64 = 0
    var serverFaults = FaultPlan<ServerFault>()
    var volumeFaults = FaultPlan<VolumeFault>()
    let catalogIDs: [String]
    let hostID: String

    package init(_ configuration: CloudConfiguration) {
        self.configuration = configuration
        timings = configuration.timings
        missingTypes = configuration.missingTypes
        endpoints = configuration.endpoints
        var random = CloudRandom(seed: configuration.seed)
        projects = Self.byID(configuration.projects, \.id)
        users = Self.byID(configuration.users, \.id)
        flavors = Self.byID(configuration.flavors, \.id)
        images = Self.byID(configuration.images, \.id)
        networks = Self.byID(configuration.networks, \.id)
        securityGroups = Self.byID(configuration.securityGroups, \.id)
        zones = configuration.zones
        quotas = OrderedDictionary(configuration.projects.map { ($0.id, configuration.quotas) }) { first, _ in first }
        catalogIDs = (0..<6 * (1 + 3 * configuration.regions.count)).map { _ in random.hex32() }
        hostID = random.hex32() + random.hex32().prefix(24)
        self.random = random
    }

    /// Answers one request.
    /// - Parameter request: its URL counts from below the service's root: `/v2.1/servers` for Nova. An absolute URL is
    ///   taken without its origin.
    /// - Parameter now: never earlier than in an earlier call; an earlier time changes nothing.
    package mutating func handle(_ service: CloudService, _ request: HTTPRequest, at now: Timestamp) -> HTTPResponse {
        advance(to: now)
        let call = CloudCall(service, request, at: now, id: random.requestID())
        var response: HTTPResponse
        do {
            response =
                switch service {
                case .keystone: try keystone(call)
                case .nova: try nova(call)
                case .glance: try glance(call)
                case .neutron: try neutron(call)
                case .cinder: try cinder(call)
                }
        } catch {
            response = call.answer(error, keystone: endpoints.keystone)
        }
        if request.method == .head { response.body = [] }
        return response
    }

    private static func byID<Value>(_ values: [Value], _ id: (Value) -> String) -> OrderedDictionary<String, Value> {
        OrderedDictionary(values.map { (id($0), $0) }) { first, _ in first }
    }
}
