import ArgumentParser
import Configuration
import EventLoop
import Logging
import Telemetry
import World

/// How the log is written, where that is not left to the configuration.
struct LogOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The least severe lines that are written. Default: log.level.", valueName: "level"))
    var logLevel: LogSettings.Level?

    @Option(help: ArgumentHelp("How they look. Default: log.format.", valueName: "format"))
    var logFormat: LogSettings.Format?

    /// A logger that writes to standard error.
    func logger(_ settings: LogSettings, time: any TimeSource) -> Logger {
        let format: LogFormat = (logFormat ?? settings.format) == .json ? .json : .text
        let level = Logger.Level(rawValue: (logLevel ?? settings.level).rawValue) ?? .info
        return Logger(label: "cirrata") { label in
            LineLogHandler(label: label, format: format, level: level, time: time) { Terminal.errors.line($0) }
        }
    }
}

extension LogSettings.Level: ExpressibleByArgument {}
extension LogSettings.Format: ExpressibleByArgument {}
