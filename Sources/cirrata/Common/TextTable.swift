/// Columns that line up, for people.
struct TextTable {
    private var rows: [[String]]

    init(head: [String]) { rows = [head] }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// As a terminal shows it: a person sees one line for each row; what reads a pipe gets everything.
    /// - Parameter style: of a row, by its index.
    func lines(for terminal: Terminal, _ style: (Int) -> Terminal.Style? = { _ in nil }) -> [String] {
        lines.enumerated().map { index, line in
            let fitting = terminal.isInteractive ? Printable.cut(line, to: terminal.width) : line
            guard let style = index == 0 ? .bold : style(index - 1) else { return fitting }
            return terminal.styled(fitting, style)
        }
    }

    /// The head and all rows; the last column is as long as it likes.
    var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }.joined(separator: "  ")
        }
    }
}
