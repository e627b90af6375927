package import Logging
package import World

/// Writes log lines as text or JSON to wherever the executable says (descriptor 2).
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let label: String
    private let format: LogFormat
    private let time: any TimeSource
    private let write: @Sendable (String) -> Void

    /// - Parameter write: takes one line, without its line break.
    package init(
        label: String, format: LogFormat, level: Logger.Level, time: any TimeSource,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.format = format
        logLevel = level
        self.time = time
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let known = LogKeys.order.compactMap { key in all[key].map { (key: key, value: "\($0)") } }
        let others = all.filter { !LogKeys.order.contains($0.key) }.sorted { $0.key < $1.key }
            .map { (key: $0.key, value: "\($0.value)") }
        let line = LogLine(
            at: time.wallClock, level: event.level, message: "\(event.message)", metadata: known + others)
        write(line.formatted(format))
    }
}
