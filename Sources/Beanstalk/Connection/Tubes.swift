/// Which tube a connection puts into and which it reserves from: declared as a whole, and applied on every connect.
package struct Tubes: Sendable, Hashable {
    package let use: TubeName
    /// Without duplicates; never empty, as the broker allows no empty watch list.
    package let watching: [TubeName]

    package init(use: TubeName = .standard, watching: [TubeName] = [.standard]) {
        self.use = use
        var seen: Set<TubeName> = []
        let unique = watching.filter { seen.insert($0).inserted }
        self.watching = unique.isEmpty ? [.standard] : unique
    }

    package static let standard = Tubes()

    /// What turns a fresh connection into this one, ending with the question that proves it (fact A6).
    var commands: [Command] {
        var commands: [Command] = []
        if use != .standard { commands.append(.use(use)) }
        commands += watching.filter { $0 != .standard }.map(Command.watch)
        if !watching.contains(.standard) { commands.append(.ignore(.standard)) }
        commands.append(.listTubesWatched)
        return commands
    }
}
