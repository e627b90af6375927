// swift-tools-version: 6.2
import PackageDescription

// Rooms, lowest first; an import is allowed only where `dependencies` names it.
// README, "Architecture", says what lives where.

let swift: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
    // The tests see what is internal, and what they test is what is installed: one release build for both.
    .unsafeFlags(["-enable-testing"], .when(configuration: .release)),
]

let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let ordered: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let lifecycleSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swift)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, swiftSettings: swift,
        linkerSettings: [
            // The program needs no Swift where it runs. The linker does not find these two parts of Foundation by itself.
            .unsafeFlags(
                ["-static-stdlib", "-l_FoundationCollections", "-l_FoundationCShims"],
                .when(configuration: .release))
        ])
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies,
        swiftSettings: swift + [.unsafeFlags(["-Onone"], .when(configuration: .release))])
}

let package = Package(
    name: "cirrata",
    products: [.executable(name: "cirrata", targets: ["cirrata"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "CLinux"),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CCurlShim", dependencies: ["CCurl"]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        room("HTTPKit"),
        room("World", ["HTTPKit"]),
        room("EventLoop", ["World", "HTTPKit", "CLinux", deque, heap]),
        room("CurlHTTP", ["HTTPKit", "World", "EventLoop", "CCurlShim", deque]),
        room("YAMLKit", ["CYAML", "HTTPKit"]),
        room("Beanstalk", ["World", deque]),
        room("Resilience", ["World", "HTTPKit", deque]),
        room("Pipelines", ["World", "Resilience"]),
        room("OpenStack", ["World", "HTTPKit", "Resilience", ordered]),
        room("Lab", ["World", "HTTPKit", "Resilience"]),
        room("Jobs", ["World", "YAMLKit"]),
        room("Configuration", ["World", "YAMLKit"]),
        room(
            "Provisioning",
            [
                "World", "HTTPKit", "Resilience", "Pipelines", "OpenStack", "Lab", "Jobs", "Configuration", "YAMLKit",
            ]),
        room(
            "WorkerCore",
            [
                "World", "Resilience", "Pipelines", "Beanstalk", "Jobs", "Configuration", "Provisioning", "YAMLKit",
                deque,
            ]),
        room("Telemetry", ["World", "HTTPKit", "Pipelines", "Resilience", "Jobs", log]),
        room("HTTPServer", ["HTTPKit", deque] + nio),
        room("Sandbox", ["World", "HTTPKit", "Jobs", deque, heap, ordered]),
        room("Simulation", ["World", "HTTPKit", deque, heap]),
        room(
            "Scenarios",
            [
                "World", "HTTPKit", "Beanstalk", "Resilience", "Pipelines", "Jobs", "Configuration", "Provisioning",
                "WorkerCore", "Sandbox", "Simulation",
            ]),
        program(
            "cirrata",
            [
                "World", "HTTPKit", "EventLoop", "CurlHTTP", "YAMLKit", "Beanstalk", "Resilience", "Pipelines",
                "OpenStack",
                "Lab", "Jobs", "Configuration", "Provisioning", "WorkerCore", "Telemetry", "HTTPServer", "Sandbox",
                arguments, log, lifecycle, lifecycleSignals,
            ]),

        program(
            "simulate", ["World", "HTTPKit", "Jobs", "Pipelines", "Sandbox", "Simulation", "Scenarios", arguments]),

        .target(
            name: "TestSupport", dependencies: ["World", "HTTPKit", "EventLoop"], path: "Tests/TestSupport",
            swiftSettings: swift),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "World", "HTTPKit", "YAMLKit", "Beanstalk", "Resilience", "OpenStack", "Lab", "Jobs", "Configuration",
                "HTTPServer", "Simulation",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            path: "Tests/FuzzTargets", swiftSettings: swift),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets"], exclude: ["Corpus"], swiftSettings: swift),
        tests("HTTPKitTests", ["HTTPKit", "World"]),
        tests("EventLoopTests", ["EventLoop", "World", "HTTPKit", "TestSupport"]),
        tests("CurlHTTPTests", ["CurlHTTP", "EventLoop", "World", "HTTPKit", "TestSupport"]),
        tests("YAMLKitTests", ["YAMLKit"]),
        tests("BeanstalkTests", ["Beanstalk", "World", "EventLoop", "Simulation", "TestSupport"]),
        tests("ResilienceTests", ["Resilience", "World", "HTTPKit", "Simulation"]),
        tests("PipelinesTests", ["Pipelines", "Resilience", "World", "Simulation"]),
        tests("OpenStackTests", ["OpenStack", "Resilience", "World", "HTTPKit", "Sandbox", "Simulation"]),
        tests("LabTests", ["Lab", "Resilience", "World", "HTTPKit", "EventLoop", "TestSupport"]),
        tests("JobsTests", ["Jobs", "YAMLKit", "World"]),
        tests("ConfigurationTests", ["Configuration", "YAMLKit", "World"]),
        tests(
            "ProvisioningTests",
            [
                "Provisioning", "Configuration", "Jobs", "OpenStack", "Lab", "Pipelines", "Resilience", "World",
                "HTTPKit",
                "YAMLKit", "Simulation", "Sandbox",
            ]),
        tests(
            "WorkerCoreTests",
            [
                "WorkerCore", "Provisioning", "Configuration", "Jobs", "Pipelines", "Resilience", "Beanstalk", "World",
                "Simulation", "Sandbox",
            ]),
        tests("TelemetryTests", ["Telemetry", "Pipelines", "Resilience", "Jobs", "World", "HTTPKit", log]),
        tests("SandboxTests", ["Sandbox", "HTTPServer", "World", "HTTPKit", "Jobs", "Simulation"]),
        tests("SimulationTests", ["Simulation", "World", "HTTPKit", "EventLoop", "TestSupport"]),
        tests(
            "ScenariosTests",
            [
                "Scenarios", "Simulation", "World", "HTTPKit", "Beanstalk", "WorkerCore", "Provisioning",
                "Configuration",
                "Sandbox", "Jobs", "Pipelines", "Resilience", "YAMLKit", deque,
            ]),
        tests(
            "ProcessTests",
            ["TestSupport", "World", "HTTPKit", "EventLoop", "CurlHTTP", "Beanstalk", "Jobs", "YAMLKit"]),
    ]
)
