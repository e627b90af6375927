enum Paths {
    /// `~` and `~/…` with the home folder; other texts as they are.
    static func expand(_ path: String, home: String?) -> String {
        guard let home, path == "~" || path.hasPrefix("~/") else { return path }
        return home + path.dropFirst()
    }

    /// A relative path below a folder.
    static func resolve(_ path: String, in folder: String, home: String?) -> String {
        let expanded = expand(path, home: home)
        return expanded.hasPrefix("/") || folder.isEmpty || folder == "." ? expanded : "\(folder)/\(expanded)"
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}
