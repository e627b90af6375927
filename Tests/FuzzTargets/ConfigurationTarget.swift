import Configuration
import Simulation
import World
import YAMLKit

/// Whole installations: the site file, and after lines of `%%` a clouds.yaml and a secure.yaml.
enum ConfigurationTarget {
    private static let secret = "correct horse battery staple"
    private static let path = "/etc/cirrata/worker.yaml"

    static func check(_ input: [UInt8]) throws {
        let parts = input.parts(between: "%%")
        let clouds = ["/etc/openstack/clouds.yaml", "/etc/openstack/secure.yaml"]
        let texts = Dictionary(zip([path] + clouds, parts)) { first, _ in first }
        let simulation = Simulation(seed: 1)
        for (path, text) in texts { try simulation.files.place(path, text) }
        try simulation.files.place("/etc/cirrata/secret", Array("\(secret)\n".utf8))
        let environment = [
            "HOME": "/home/op", "SECRET": secret, "OS_AUTH_URL": "http://cloud/v3", "OS_USERNAME": "op",
            "OS_PASSWORD": secret,
        ]
        let problems = try simulation.run { world in
            let loader = ConfigurationLoader(environment: environment, files: world.files, random: world.random)
            let forQueue = try await load(loader, for: .queue)
            return try await load(loader, for: .work) + forQueue
        }
        let places = texts.mapValues(Places.init)
        for problem in problems { try check(problem, places) }
    }

    private static func load(
        _ loader: ConfigurationLoader, for purpose: ConfigurationLoader.Purpose
    ) async throws -> [Problem] {
        do {
            let loaded = try await loader.load(path, for: purpose)
            try require(!"\(loaded.configuration)".contains(secret), "a configuration shows a secret")
            return loaded.warnings
        } catch let invalid as InvalidConfiguration {
            try require(!invalid.errors.isEmpty, "refused without a reason")
            return invalid.problems
        }
    }

    private static func check(_ problem: Problem, _ places: [String: Places]) throws {
        try requireOneLine(problem.description, atMost: 20_000)
        try require(!problem.description.contains(secret), "a problem shows a secret: \(problem)")
        guard let known = places[problem.source] else {
            try require(problem.mark == .none, "a place in a file that is none: \(problem)")
            return
        }
        // What is missing as a whole has no place, nor has a cloud that is put together from several files; everything
        // else that is wrong has one.
        let needsPlace = problem.severity == .error && problem.message != "missing" && problem.source == path
        try require(
            known.contain(problem.mark) || (problem.mark == .none && !needsPlace),
            "a problem without a place: \(problem)")
    }
}
