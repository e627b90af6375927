import World
import YAMLKit

/// `clouds.yaml`, `secure.yaml` and `clouds-public.yaml` as openstacksdk finds and merges them, and the cloud that OS_*
/// variables make (facts/openstack.md 6.3; openstacksdk `config/loader.py`). OS_* variables do not change clouds of a file.
struct CloudsFiles {
    struct Failure: Error {
        var problem: String
        var hint: String
    }

    private(set) var clouds = Mapping()
    private(set) var publicClouds = Mapping()
    private(set) var path: String?
    /// The files that were read, for their permissions.
    private(set) var files: [String] = []
    private(set) var searched: [String] = []
    private var environmentName = "envvars"

    /// No file, no variable.
    static let none = CloudsFiles()

    private init() {}

    /// Reads the first of each kind of file that can be read; what is wrong with the others is a warning.
    init(environment: [String: String], files system: any FileSystem, problems: Problems) async throws {
        let folders = Self.folders(environment)
        let main = try await load(
            "clouds", folders, first: environment["OS_CLIENT_CONFIG_FILE"], system, problems)
        path = main?.path
        let secure = try await load("secure", folders, first: environment["OS_CLIENT_SECURE_FILE"], system, problems)
        let merged = Self.merge(
            main?.root["clouds"]?.mapping ?? Mapping(),
            under: Self.unplaced(secure?.root["clouds"]?.mapping ?? Mapping()))
        clouds = merged
        let profiles = try await load("clouds-public", folders, first: nil, system, problems)
        publicClouds = Self.unplaced(profiles?.root["public-clouds"]?.mapping ?? Mapping())
        environmentName = environment["OS_CLOUD_NAME"] ?? "envvars"
        if let variables = Self.cloud(of: environment) {
            if clouds[environmentName] != nil {
                problems.warning(
                    .none, "",
                    "clouds.yaml has a cloud named \(environmentName), which also stands for the OS_* variables",
                    hint: "the file's is used: rename it, or set OS_CLOUD_NAME")
            } else {
                clouds[environmentName] = variables
            }
        }
    }

    /// A cloud by name.
    /// - Parameter region: the one that is asked for; must be among the cloud's if it lists any.
    func parts(_ name: String, region: String?, problems: Problems) -> Result<CloudParts, Failure> {
        guard let entry = clouds[name]?.mapping else {
            if name == environmentName {
                return .failure(
                    Failure(
                        problem: "no OS_* variables are set", hint: "source the cloud's openrc file before the start"))
            }
            let near = Spelling.nearest(to: name, in: clouds.keys).map { "did you mean \($0)? " } ?? ""
            let place = path.map { "\($0) has \(clouds.keys.joined(separator: ", "))" }
            return .failure(
                Failure(
                    problem: "no cloud named \(Node.quoted(name))",
                    hint: near + (place ?? "no clouds.yaml in \(searched.joined(separator: ", "))")))
        }
        var merged = Self.normalise(entry)
        if let profile = merged["profile"]?.text ?? merged["cloud"]?.text {
            if let base = publicClouds[profile]?.mapping ?? Self.builtIn(profile) {
                merged = Self.merge(Self.normalise(base), under: merged)
            } else if merged["auth"]?["auth_url"] == nil {
                return .failure(
                    Failure(
                        problem: "the profile \(Node.quoted(profile)) of the cloud \(name) is not known",
                        hint: "write its auth_url into the cloud's auth, or the profile into clouds-public.yaml"))
            }
        }
        var chosen = region
        switch Self.choose(region, in: merged) {
        case .failure(let failure): return .failure(failure)
        case .success(let (name, values)):
            chosen = name
            if let values { merged = Self.merge(merged, under: Self.normalise(values)) }
        }
        let scratch = Problems(source: path ?? "environment")
        var parts = CloudParts(cloud: Fields(Node(.mapping(merged)), path: "clouds.\(name)", problems: scratch))
        for problem in scratch.all { problems.add(problem) }
        parts.region = chosen
        parts.authURL = parts.authURL.map { Self.expand($0, region: chosen) }
        return .success(parts)
    }

    // MARK: Files

    private mutating func load(
        _ name: String, _ folders: [String], first: String?, _ system: any FileSystem, _ problems: Problems
    ) async throws -> (path: String, root: Node)? {
        let candidates =
            (first.map { [$0] } ?? [])
            + folders.flatMap { folder in ["yaml", "yml", "json"].map { "\(folder)/\(name).\($0)" } }
        if name == "clouds" { searched = (first.map { [$0] } ?? []) + folders }
        for path in candidates {
            func skip(_ why: String) {
                problems.add(Problem(.warning, source: path, mark: .none, path: "", message: "skipped: \(why)"))
            }
            do {
                if path != first, let objection = try await CurrentFolder.objection(to: path, system) {
                    skip(objection)
                    continue
                }
                let bytes = try await system.read(path, limit: YAML.Limits.file.bytes)
                let root = try YAML.parse(bytes, source: path, limits: .file) ?? Node(.mapping(Mapping()))
                files.append(path)
                return (path, root)
            } catch let failure as FileFailure {
                if failure.reason != .missing { skip(failure.detail) }
            } catch let error as YAMLError {
                problems.add(
                    Problem(
                        .warning, source: path, mark: Mark(line: error.line, column: error.column), path: "",
                        message: "skipped: \(error.problem)", hint: error.hint))
            }
        }
        return nil
    }

    private static func folders(_ environment: [String: String]) -> [String] {
        var folders = ["."]
        func add(_ folder: String) { if !folders.contains(folder) { folders.append(folder) } }
        if let user = environment["XDG_CONFIG_HOME"], !user.isEmpty { add("\(user)/openstack") }
        if let home = environment["HOME"], !home.isEmpty { add("\(home)/.config/openstack") }
        let site = environment["XDG_CONFIG_DIRS"].flatMap { $0.isEmpty ? nil : $0 } ?? "/etc/xdg"
        for folder in site.split(separator: ":") { add("\(folder)/openstack") }
        add("/etc/openstack")
        return folders
    }

    // MARK: Environment

    /// OS_* as a cloud; nil when there are only such that choose one.
    private static func cloud(of environment: [String: String]) -> Node? {
        let selectors: Set<String> = [
            "OS_CLOUD", "OS_REGION_NAME", "OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLOUD_NAME",
        ]
        let names = environment.keys.filter { name in
            name.hasPrefix("OS_") && !["OS_TEST", "OS_STD", "OS_LOG"].contains { name.hasPrefix($0) }
                && environment[name]?.isEmpty == false
        }.sorted()
        guard names.contains(where: { !selectors.contains($0) }) else { return nil }
        return .map(names.map { ($0.dropFirst(3).lowercased(), .string(environment[$0] ?? "")) })
    }

    // MARK: Merging

    /// `over`'s values win; mappings are merged at every depth.
    private static func merge(_ base: Mapping, under over: Mapping) -> Mapping {
        var result = base
        for entry in over.entries {
            var value = entry.value
            if let below = result[entry.key]?.mapping, let above = value.mapping {
                value.kind = .mapping(merge(below, under: above))
            }
            result.set(entry.key, entry.keyMark, value)
        }
        return result
    }

    /// Keys may be spelt with hyphens.
    private static func normalise(_ mapping: Mapping) -> Mapping {
        var result = Mapping()
        for entry in mapping.entries {
            let key = String(entry.key.map { $0 == "-" ? "_" : $0 })
            var value = entry.value
            if let nested = value.mapping { value.kind = .mapping(normalise(nested)) }
            result.set(key, entry.keyMark, value)
        }
        return result
    }

    /// Without places: problems are told of clouds.yaml, and these lines are of another file.
    private static func unplaced(_ mapping: Mapping) -> Mapping {
        var result = Mapping()
        for entry in mapping.entries { result.append(entry.key, .none, unplaced(entry.value)) }
        return result
    }

    private static func unplaced(_ node: Node) -> Node {
        switch node.kind {
        case .scalar, .tagged: Node(node.kind)
        case .sequence(let items): Node(.sequence(items.map(unplaced)))
        case .mapping(let mapping): Node(.mapping(unplaced(mapping)))
        }
    }

    /// The profiles that the documentation of our provider needs; everything else belongs into clouds-public.yaml.
    private static func builtIn(_ profile: String) -> Mapping? {
        let urls = [
            "ovh": "https://auth.cloud.ovh.net/", "https://ovhcloud.com": "https://auth.cloud.ovh.net/",
            "ovh-us": "https://auth.cloud.ovh.us/",
        ]
        return urls[profile].flatMap { url in
            Node.map([
                ("auth", .map([("auth_url", .string(url))])), ("identity_api_version", .string("3")),
            ]).mapping
        }
    }

    // MARK: Regions

    /// The wanted region, else the first; with what the cloud says about it.
    private static func choose(_ wanted: String?, in cloud: Mapping) -> Result<(String?, Mapping?), Failure> {
        let regions: [(name: String, values: Mapping?)]
        if let list = cloud["regions"]?.sequence {
            regions = list.compactMap { node in
                (node.mapping?["name"]?.text ?? node.text).map { ($0, node["values"]?.mapping) }
            }
        } else if let names = cloud["region_name"]?.text {
            regions = names.split(separator: ",").map { (String($0), nil) }
        } else {
            return .success((wanted, nil))
        }
        guard let wanted else { return .success((regions.first?.name, regions.first?.values)) }
        if let region = regions.first(where: { $0.name == wanted }) { return .success((wanted, region.values)) }
        // A single region_name is a default; a list of regions is meant to be complete.
        if cloud["regions"] == nil && regions.count < 2 { return .success((wanted, nil)) }
        return .failure(
            Failure(
                problem: "the cloud has no region \(Node.quoted(wanted))",
                hint: "it has \(regions.map(\.name).joined(separator: ", ")); case counts"))
    }

    /// openstacksdk formats values with the region; in a URL that is what it is good for.
    private static func expand(_ text: String, region: String?) -> String {
        guard let region, let hole = text.firstRange(of: "{region_name}") else { return text }
        return text[..<hole.lowerBound] + region + text[hole.upperBound...]
    }
}
