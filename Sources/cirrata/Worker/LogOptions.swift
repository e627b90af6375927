import ArgumentParser
import Configuration
import EventLoop
import Glibc
import Logging
import Telemetry
import World

/// How the log is written, where that is not left to the configuration.
struct LogOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The least severe lines that are written. Default: log.level.", valueName: "level"))
    var logLevel: LogSettings.Level?

    @Option(help: ArgumentHelp("How they look. Default: log.format.", valueName: "format"))
    var logFormat: LogSettings.Format?

    /// At the end, lines that are not read within this time are lost.
    private static let patience = Duration.seconds(1)

    /// Runs `body` with a logger that writes to standard error and waits for nobody who reads it.
    /// - Throws: `SystemError`; what `body` throws.
    func withLogger(
        _ settings: LogSettings, time: any TimeSource, _ body: (Logger) async throws -> Void
    ) async throws {
        let format: LogFormat = (logFormat ?? settings.format) == .json ? .json : .text
        let level = Logger.Level(rawValue: (logLevel ?? settings.level).rawValue) ?? .info
        let writer = try LineWriter(STDERR_FILENO) { count in
            LogLine(
                at: time.wallClock, level: .warning, message: "log lines were dropped, as nobody read them",
                metadata: [("dropped", "\(count)")]
            ).formatted(format)
        }
        let logger = Logger(label: "cirrata") { label in
            LineLogHandler(label: label, format: format, level: level, time: time) { writer.write($0) }
        }
        do {
            try await body(logger)
        } catch {
            await Self.flush(writer, time)
            throw error
        }
        await Self.flush(writer, time)
    }

    private static func flush(_ writer: LineWriter, _ time: any TimeSource) async {
        do {
            try await time.withTimeout(patience, doing: "write the log") { try await writer.flush() }
        } catch {
            // Nobody reads it, so there is nobody to tell.
        }
    }
}

extension LogSettings.Level: ExpressibleByArgument {}
extension LogSettings.Format: ExpressibleByArgument {}
