import YAMLKit

/// What a job that names no operating system gets (facts/teuthology.md section 6).
package struct OSDefaults: Sendable, Hashable {
    package var osType = "ubuntu"
    package var osVersions = [
        "alma": "9.7", "centos": "9.stream", "debian": "8.0", "fedora": "25", "opensuse": "15.6", "rhel": "8.6",
        "rocky": "9.7", "sle": "15.2", "ubuntu": "22.04",
    ]

    package init() {}

    static let schema = Schema<OSDefaults>([
        .value("os_type", \.osType, .text("the name of an operating system"), "For jobs without os_type."),
        .table(
            "os_versions", \.osVersions,
            "For jobs without os_version, by os_type. The built-in values are teuthology's; entries here replace or add."
        ),
    ])
}
