import Configuration
import Provisioning
import Testing

/// Rows of facts/teuthology.md section 4, "Images".
@Suite struct ImageChoiceTests {
    private func choose(
        _ names: [String?], _ type: String, _ version: String, exclude: [String] = []
    ) throws -> Choice<ImageOption> {
        let images = names.enumerated().map { ImageOption(id: "id\($0.offset)", name: $0.element) }
        return try ImageChoice.choose(
            images, osType: type, osVersion: version, exclude: try NamePatterns(exclude))
    }

    static let rows: [(names: [String?], type: String, version: String, exclude: [String], chosen: String)] = [
        (["ubuntu-14.04", "ubuntu-16.04", "centos-7.0"], "centos", "7", [], "id2"),
        (["Ubuntu 22.04", "ubuntu-22.04"], "ubuntu", "22.04", [], "id0"),
        // A space wins over a hyphen wherever it stands.
        (["ubuntu-22.04", "Ubuntu 22.04"], "ubuntu", "22.04", [], "id1"),
        (["UBUNTU-22.04-old", "ubuntu-22.04"], "ubuntu", "22.04", [], "id0"),
        (["my ubuntu 22.04 LTS"], "ubuntu", "22.04", [], "id0"),
        ([nil, "", "ubuntu 22.04"], "ubuntu", "22.04", [], "id2"),
        (
            ["ubuntu 22.04-exclude1", "ubuntu 22.04-exclude2", "ubuntu 22.04"], "ubuntu", "22.04",
            [".*-exclude1", ".*-exclude2"], "id2"
        ),
        // Patterns are anchored at the start.
        (["ubuntu 22.04"], "ubuntu", "22.04", ["22"], "id0"),
        (["centos 9.stream"], "centos", "9.stream", [], "id0"),
    ]

    @Test(arguments: rows)
    func takesTheFirst(names: [String?], type: String, version: String, exclude: [String], chosen: String) throws {
        let choice = try choose(names, type, version, exclude: exclude)
        #expect(choice.value.id == chosen)
        #expect(choice.warnings.isEmpty)
    }

    @Test(arguments: [("7", "centos-70"), ("9", "centos 90"), ("7.0", "centos-7.05")])
    func aPartOfAVersionIsTakenWithAWarning(version: String, name: String) throws {
        let choice = try choose([name, "centos-7.0"], "centos", version)
        #expect(choice.value.name == name)
        #expect(choice.warnings.count == 1)
    }

    @Test func aLongerVersionBehindADotIsMeant() throws {
        #expect(try choose(["centos-7.9"], "centos", "7").warnings.isEmpty)
    }

    static let failures: [(names: [String?], type: String, version: String, exclude: [String], next: String)] = [
        (
            ["ubuntu 22.04"], "BeOS", "42", [],
            "write os_type in lower case: image names are lowered before they are compared"
        ),
        (
            ["ubuntu 22.04"], "Ubuntu", "22.04", [],
            "write os_type in lower case: image names are lowered before they are compared"
        ),
        (
            ["ubuntu_22.04", "ubuntu22.04", "debian-12"], "ubuntu", "22.04", [],
            "the name must contain 'ubuntu 22.04' or 'ubuntu-22.04'; nearest: ubuntu_22.04, ubuntu22.04"
        ),
        (
            ["debian-12", "Fedora 40"], "beos", "42", [],
            "the name must contain 'beos 42' or 'beos-42'; there are debian-12, Fedora 40"
        ),
        ([], "beos", "42", [], "the provider shows no image at all; check its project and region"),
        (["beos 42"], "beos", "42", [".*"], "exclude_image leaves none of 1 image"),
    ]

    @Test(arguments: failures)
    func noImageIsExplained(names: [String?], type: String, version: String, exclude: [String], next: String) {
        let error = #expect(throws: SelectionError.self) { try choose(names, type, version, exclude: exclude) }
        #expect(error?.cause == "no-image")
        #expect(error?.next == next)
    }
}
