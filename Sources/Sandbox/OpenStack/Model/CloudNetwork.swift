/// A network with one subnet. Addresses are given out in an order that the seed decides, and again once they are free.
package struct CloudNetwork: Sendable, Hashable {
    package var id: String
    package var name: String
    package var subnet: String
    /// `203.0.113.0/24`.
    package var cidr: String
    /// Of this project only; nil is shared with all.
    package var project: String?
    private(set) var used: Set<UInt32> = []

    package init(id: String, name: String, subnet: String, cidr: String, project: String? = nil) {
        self.id = id
        self.name = name
        self.subnet = subnet
        self.cidr = cidr
        self.project = project
    }

    /// The addresses for servers: all but the network's own, the gateway's (the first) and the broadcast address.
    var pool: Range<UInt32> {
        let parts = cidr.split(separator: "/")
        guard let base = parts.first.flatMap({ Self.address(String($0)) }), parts.count == 2,
            let length = UInt32(parts[1]), length <= 30
        else { return 0..<0 }
        let size = UInt32(1) << (32 - length)
        let first = base & ~(size - 1)
        return first + 2..<first + size - 1
    }

    /// - Returns: nil when every address is taken.
    mutating func take(_ random: inout CloudRandom) -> UInt32? {
        let pool = pool
        guard used.count < pool.count else { return nil }
        var candidate = pool.lowerBound + UInt32(random.below(pool.count))
        while used.contains(candidate) {
            candidate = candidate + 1 == pool.upperBound ? pool.lowerBound : candidate + 1
        }
        used.insert(candidate)
        return candidate
    }

    mutating func take(_ address: UInt32) -> Bool { used.insert(address).inserted }

    mutating func release(_ address: UInt32) { used.remove(address) }

    static func text(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    }

    static func address(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        return parts.reduce(UInt32?.some(0)) { sum, part in
            guard let sum, let part else { return nil }
            return sum << 8 | UInt32(part)
        }
    }
}
