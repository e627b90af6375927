import EventLoop
import HTTPKit
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// The manual pages that `ops/man` makes of the program.
    @Suite struct ManualTests {
        private static let script: String = {
            let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
            return "/\(root)/ops/man"
        }()

        /// Every command with its full name, and its options by their long names.
        private static func commands(_ command: JSONValue, above: String = "") -> [String: [String]] {
            let name = above + (command["commandName"]?.string ?? "?")
            let arguments = (command["arguments"]?.array ?? []).filter { $0["shouldDisplay"] != false }
            let names = arguments.flatMap { argument -> [JSONValue] in argument["names"]?.array ?? [] }
            let long = names.filter { $0["kind"] == "long" }.compactMap { $0["name"]?.string }
            let options = long.filter { $0 != "help" && $0 != "version" }
            let below = (command["subcommands"]?.array ?? []).filter { $0["commandName"] != "help" }
                .map { commands($0, above: name + "-") }
            return below.reduce([name: options]) { $0.merging($1) { first, _ in first } }
        }

        @Test func aPageForEachCommand() async throws {
            try await withTemporaryFolder { folder in
                try await withLiveWorld { world in
                    let loop = try #require(world.executor as? EventLoop)
                    let programs = try Programs(on: loop, home: folder)
                    let children = try SystemChildren(loop: loop, environment: HostIdentity.current().environment)
                    let made = try await children.run(
                        ChildCommand("python3", [Self.script, "--program", programs.path, "\(folder)/man"]))
                    #expect(made.end == .exited(0), "\(String(decoding: made.errors, as: UTF8.self))")
                    let dump = try await programs.run(["--experimental-dump-help"])
                    let commands = Self.commands(try #require(try JSONValue(parsing: dump.output)["command"]))
                    #expect(commands.count > 25 && commands["cirrata-failed-list"]?.contains("scan") == true)
                    for (name, options) in commands {
                        let page = String(
                            decoding: try await world.files.read("\(folder)/man/\(name).1", limit: 1 << 20),
                            as: UTF8.self)
                        let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
                        #expect(lines.contains { $0.hasPrefix(".TH \"\(name.uppercased().roff)\" 1") }, "\(name)")
                        #expect(lines.contains { $0.hasPrefix("\(name.roff) \\- ") })
                        for option in options {
                            #expect(page.contains("\\fB\("--\(option)".roff)\\fR"), "\(name): \(option)")
                        }
                        // Nothing that the program says is taken for a request.
                        let known = [".TH", ".SH", ".PP", ".TP", ".B", ".nf", ".fi", ".ad", ".nh", ".\\\""]
                        for line in lines where line.hasPrefix(".") || line.hasPrefix("'") {
                            #expect(known.contains(String(line.prefix { $0 != " " })), "\(name): \(line)")
                        }
                    }
                }
            }
        }
    }
}

extension String {
    /// As roff writes it.
    fileprivate var roff: String { split(separator: "-", omittingEmptySubsequences: false).joined(separator: "\\-") }
}
