import ArgumentParser
import Configuration
import HTTPKit
import World
import YAMLKit

struct ConfigCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Says what is wrong with the configuration.",
        discussion: "Looks at the files only and connects to nothing; that is what doctor does. Exit code 3 on errors.")

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (path, problems) = try await withWorld { world -> (String?, [Problem]) in
            do {
                let loaded = try await site.read(world)
                return (loaded.path, loaded.warnings)
            } catch let invalid as InvalidConfiguration {
                return (nil, invalid.problems)
            }
        }
        for problem in problems {
            Terminal.output.line(output.json ? Self.json(problem).text : Self.line(problem))
        }
        guard let path else { throw ExitCode(.configuration) }
        if output.json { return }
        let warnings =
            problems.isEmpty ? "no warnings" : problems.count.counted("warning")
        Terminal.output.line("\(path): \(Terminal.output.styled("fine", .green)), \(warnings)")
    }

    private static func line(_ problem: Problem) -> String {
        let style = problem.severity == .error ? Terminal.Style.red : .yellow
        return Terminal.output.styled("\(problem.severity.rawValue):", style) + " \(problem)"
    }

    private static func json(_ problem: Problem) -> JSONValue {
        var members: JSONObject = [
            "severity": .string(problem.severity.rawValue), "file": .string(problem.source),
            "message": .string(problem.message),
        ]
        if problem.mark != .none {
            members["line"] = .integer(problem.mark.line)
            members["column"] = .integer(problem.mark.column)
        }
        if !problem.path.isEmpty { members["key"] = .string(problem.path) }
        if !problem.hint.isEmpty { members["hint"] = .string(problem.hint) }
        return .object(members)
    }
}
