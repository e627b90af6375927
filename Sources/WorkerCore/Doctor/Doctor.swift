import Beanstalk
package import Configuration
package import Provisioning
import Resilience
package import World
package import YAMLKit

/// Looks at everything that a worker of this site depends on (`cirrata doctor`). Changes nothing, and ends within half a
/// minute whatever is broken.
package struct Doctor: Sendable {
    private let world: World

    package init(world: World) {
        self.world = world
    }

    /// - Parameters:
    ///   - path, warnings: where the configuration came from, and what was said about it there.
    ///   - only: the one provider to look at; nil: all.
    /// - Throws: `CancellationError`.
    package func examine(
        _ configuration: SiteConfiguration, from path: String, warnings: [Problem] = [], only: String? = nil
    ) async throws -> Diagnosis {
        let broker = Broker(configuration.broker, settings: Self.patience, world: world)
        let examination = BrokerExamination(broker: broker, configuration: configuration, world: world)
        async let ofBroker = examination.findings()
        async let ofSite = siteFindings(configuration, only)
        return Diagnosis(
            Self.findings(about: configuration, path, warnings) + (try await ofBroker) + (try await ofSite))
    }

    /// What there is to say when there is no configuration: a finding for each problem.
    package static func diagnosis(of invalid: InvalidConfiguration) -> Diagnosis {
        Diagnosis(invalid.problems.map(finding))
    }

    private static let patience = ConnectionSettings(connectTimeout: .seconds(5), replyTimeout: .seconds(5))
    private static let area = "configuration"

    private static func findings(
        about configuration: SiteConfiguration, _ path: String, _ warnings: [Problem]
    ) -> [Finding] {
        let names = configuration.providers.map(\.name).joined(separator: ", ")
        let file = Finding(
            .ok, area: area, check: "file", text: "\(path), providers: \(names.isEmpty ? "none" : names)")
        return [file] + warnings.map(finding)
    }

    private static func finding(_ problem: Problem) -> Finding {
        var bare = problem
        bare.hint = ""
        return Finding(
            problem.severity == .error ? .failed : .warning, area: area,
            check: problem.path.isEmpty ? "file" : problem.path, text: bare.description, remedy: problem.hint)
    }

    private func siteFindings(_ configuration: SiteConfiguration, _ only: String?) async throws -> [Finding] {
        let site: Site
        do {
            site = try Site(configuration, world: world)
        } catch let error as ServiceError {
            return [Finding(.failed, area: Self.area, check: "site", text: error.description, remedy: error.next)]
        } catch let error as SelectionError {
            return [Finding(.failed, area: Self.area, check: "site", text: error.message, remedy: error.next)]
        }
        return try await SiteExamination(site, configuration, only: only).findings()
    }
}
