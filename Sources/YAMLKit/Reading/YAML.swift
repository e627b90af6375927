/// Reading YAML 1.1 strictly: one document, UTF-8, no key twice, bounded in every direction. What is JSON is read as JSON.
package enum YAML {
    package struct Limits: Sendable, Hashable {
        package var bytes: Int
        package var depth: Int
        /// Nodes after aliases are expanded.
        package var nodes: Int
        /// Bytes of scalar text after aliases are expanded.
        package var text: Int

        package init(bytes: Int, depth: Int, nodes: Int, text: Int) {
            self.bytes = bytes
            self.depth = depth
            self.nodes = nodes
            self.text = text
        }

        /// A job body: beanstalkd takes at most 65,535 bytes by default, more when started with `-z`.
        package static let job = Limits(bytes: 1 << 17, depth: 64, nodes: 50_000, text: 1 << 20)
        package static let file = Limits(bytes: 1 << 20, depth: 64, nodes: 200_000, text: 1 << 23)
    }

    /// What `!!` stands for.
    package static let tagPrefix = "tag:yaml.org,2002:"

    /// - Parameter source: names the text in errors (`worker.yaml`).
    /// - Returns: nil for a document that is empty or null.
    package static func parse(
        _ bytes: [UInt8], source: String, limits: Limits
    ) throws(YAMLError) -> Node? {
        let text = try SourceText(bytes, source: source, limit: limits.bytes)
        if let json = JSONTree.parse(text, limits: limits) { return json }
        try text.requireYAML()
        var composer = Composer(events: try EventParser(text), limits: limits)
        let root = try composer.document()
        return root.isNull ? nil : root
    }

    package static func parse(_ text: String, source: String, limits: Limits) throws(YAMLError) -> Node? {
        try parse(Array(text.utf8), source: source, limits: limits)
    }
}
