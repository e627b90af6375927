import ArgumentParser
import World
import YAMLKit

/// How options of our own types are read.
enum ArgumentText {
    /// `90`, `90s`, `5m`, `1h30m`, as in the configuration.
    @Sendable static func duration(_ text: String) throws -> Duration {
        guard let duration = DurationText.parse(text) else {
            throw ValidationError("expected a duration: 90, 90s, 5m or 1h30m")
        }
        return duration
    }
}
