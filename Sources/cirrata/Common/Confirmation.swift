import Glibc

/// Asks the person before the terminal.
enum Confirmation {
    /// - Throws: `Complaint` when nobody can be asked.
    static func ask(_ question: String) throws -> Bool {
        guard isatty(STDIN_FILENO) == 1 else {
            throw Complaint("\(question) Nobody can be asked here: say --yes, or look first with --dry-run", .usage)
        }
        Terminal.errors.write("\(question) [y/N] ")
        return ["y", "yes"].contains((readLine() ?? "").lowercased())
    }
}
