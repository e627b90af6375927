package import Configuration
import World
import YAMLKit

package struct ImageOption: Sendable, Hashable {
    package var id: String
    /// Glance lets an image have no name.
    package var name: String?

    package init(id: String, name: String?) {
        self.id = id
        self.name = name
    }
}

/// teuthology's image rule: the first image, in the order of the listing, whose name in lower case contains
/// `TYPE VERSION`; only if none does, `TYPE-VERSION` (facts/teuthology.md section 4, facts/openstack.md 6.1).
package enum ImageChoice {
    /// - Parameter exclude: `exclude_image`; an image is left out if any of these matches its name.
    /// - Throws: `SelectionError`, cause `no-image`.
    package static func choose(
        _ images: [ImageOption], osType: String, osVersion: String, exclude: NamePatterns = .none
    ) throws(SelectionError) -> Choice<ImageOption> {
        let named = images.filter { image in image.name.map { !exclude.anyMatches($0) } ?? false }
        for wanted in ["\(osType) \(osVersion)", "\(osType)-\(osVersion)"] {
            guard let image = named.first(where: { $0.name?.lowercased().contains(wanted) ?? false }) else { continue }
            return Choice(image, warnings: warnings(image.name ?? "", wanted))
        }
        throw missing(images, named, osType, osVersion)
    }

    /// A part of a name may be a part of another version: `centos 7` is found in `centos-70`.
    private static func warnings(_ name: String, _ wanted: String) -> [String] {
        guard let found = name.lowercased().firstRange(of: wanted),
            let next = name.lowercased()[found.upperBound...].first, next.isASCII, next.isNumber
        else { return [] }
        return [
            "image \(name) was taken for \(wanted), which is only a part of its version; "
                + "exclude it with exclude_image if that is wrong"
        ]
    }

    private static func missing(
        _ images: [ImageOption], _ named: [ImageOption], _ osType: String, _ osVersion: String
    ) -> SelectionError {
        let names = named.compactMap(\.name)
        var next: String
        if osType != osType.lowercased() {
            next = "write os_type in lower case: image names are lowered before they are compared"
        } else if names.isEmpty {
            next =
                images.isEmpty
                ? "the provider shows no image at all; check its project and region"
                : "exclude_image leaves none of \(images.count.counted("image"))"
        } else {
            let sameSystem = names.filter { $0.lowercased().contains(osType) }
            let near = sameSystem.isEmpty ? Self.near(to: "\(osType)-\(osVersion)", names) : sameSystem
            next = "the name must contain '\(osType) \(osVersion)' or '\(osType)-\(osVersion)'; "
            next += near.isEmpty ? "there are \(enumerated(names))" : "nearest: \(enumerated(near))"
        }
        return SelectionError(
            "no-image", .job, "no image for \(osType) \(osVersion) among \(names.count)", next: next)
    }

    private static func near(to wanted: String, _ names: [String]) -> [String] {
        Spelling.nearest(to: wanted, in: names).map { [$0] } ?? []
    }
}
