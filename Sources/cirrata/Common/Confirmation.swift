import Glibc

/// Asks the person before the terminal.
enum Confirmation {
    static var isPossible: Bool { isatty(STDIN_FILENO) == 1 }

    /// - Throws: `Complaint` when nobody can be asked.
    /// - Parameter default: what no answer means.
    static func ask(_ question: String, default: Bool = false) throws -> Bool {
        guard isPossible else {
            throw Complaint("\(question) Nobody can be asked here: say --yes, or look first with --dry-run", .usage)
        }
        Terminal.errors.show("\(question) [\(`default` ? "Y/n" : "y/N")] ")
        // The end of the input is no consent.
        guard let answer = readLine() else { return false }
        return answer.isEmpty ? `default` : ["y", "yes"].contains(answer.lowercased())
    }
}
