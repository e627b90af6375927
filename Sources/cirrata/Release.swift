/// This release: `--version`, presence, reports.
enum Release {
    static let text = "0.1.0"
}
