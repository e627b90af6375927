extension BinaryInteger {
    /// `1 server`, `2 servers`: for people.
    package func counted(_ one: String, _ many: String? = nil) -> String {
        self == 1 ? "1 \(one)" : "\(self) \(many ?? one + "s")"
    }
}
