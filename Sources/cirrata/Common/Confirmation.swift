import Glibc

/// Asks the person before the terminal.
enum Confirmation {
    /// - Throws: `Complaint` when nobody can be asked.
    /// - Parameter default: what no answer means.
    static func ask(_ question: String, default: Bool = false) throws -> Bool {
        guard isatty(STDIN_FILENO) == 1 else {
            throw Complaint("\(question) Nobody can be asked here: say --yes, or look first with --dry-run", .usage)
        }
        Terminal.errors.write("\(question) [\(`default` ? "Y/n" : "y/N")] ")
        // The end of the input is no consent.
        guard let answer = readLine() else { return false }
        return answer.isEmpty ? `default` : ["y", "yes"].contains(answer.lowercased())
    }
}
