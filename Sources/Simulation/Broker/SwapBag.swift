/// A set in beanstalkd's peculiar order (its `ms.c`): the last element moves into the place of a removed one, and `take`
/// walks round. List order of tubes and the choice among waiting connections follow from it, so it is kept exactly.
struct SwapBag<Element: Equatable & Sendable>: Sendable {
    private(set) var items: [Element] = []
    private var last = 0

    var isEmpty: Bool { items.isEmpty }
    var count: Int { items.count }

    func contains(_ item: Element) -> Bool { items.contains(item) }

    mutating func append(_ item: Element) {
        items.append(item)
    }

    /// - Returns: whether it was there.
    @discardableResult
    mutating func remove(_ item: Element) -> Bool {
        guard let index = items.firstIndex(of: item) else { return false }
        remove(at: index)
        return true
    }

    mutating func take() -> Element? {
        guard !items.isEmpty else { return nil }
        last %= items.count
        let item = items[last]
        remove(at: last)
        last += 1
        return item
    }

    private mutating func remove(at index: Int) {
        items.swapAt(index, items.count - 1)
        items.removeLast()
    }
}
