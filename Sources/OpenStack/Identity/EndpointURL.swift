import HTTPKit

/// Brings what catalogs and site files say into the one form that paths are appended to.
enum EndpointURL {
    static func trimmed(_ url: String) -> String {
        var text = Substring(url)
        while text.last == "/" { text = text.dropLast() }
        return String(text)
    }

    /// - Parameter url: from the catalog or an override; with or without version, project and trailing slash.
    static func normalised(_ url: String, for service: OpenStackService, projectID: String?) -> String {
        var text = trimmed(url)
        if let projectID, text.utf8.contains(UInt8(ascii: "(")) || text.utf8.contains(UInt8(ascii: "{")) {
            for placeholder in ["{project_id}", "%(project_id)s", "%(tenant_id)s", "$(project_id)s", "$(tenant_id)s"] {
                text = text.replacing(placeholder, with: projectID)
            }
        }
        let segments = URLText.target(of: text).path.split(separator: "/")
        let version = segments.lastIndex(where: isVersion)
        switch service {
        case .identity:
            return text
        case .compute:
            return version == nil ? text + "/v2.1" : text
        case .network:
            return version == nil ? text + "/v2.0" : text
        case .image:
            guard let version else { return text + "/v2" }
            // Glance's v1 is gone for good; catalogs that still name it mean the same host.
            return version == segments.count - 1 && segments[version] != "v2"
                ? String(text.dropLast(segments[version].count)) + "v2" : text
        case .blockStorage:
            guard let version else { return text + "/v3" + (projectID.map { "/\($0)" } ?? "") }
            // Older Cinders insist on the project in the path.
            return version == segments.count - 1 ? text + (projectID.map { "/\($0)" } ?? "") : text
        }
    }

    /// `v2`, `v2.1`, `v3`
    private static func isVersion(_ segment: Substring) -> Bool {
        segment.first == "v" && segment.count > 1 && segment.dropFirst().allSatisfy { $0.isNumber || $0 == "." }
    }
}
