import Beanstalk
import World

/// Looks once, as soon as the broker is there, whether it is one to rely on.
struct BrokerLookout: Sendable {
    let broker: Broker
    let drain: Signal<Void>
    let log: WorkerLog

    func run() async {
        do {
            _ = try await broker.connectPatiently(unless: drain) { connection in
                log.tell(try await connection.statistics(), of: broker.endpoint)
            }
        } catch is CancellationError {
            return
        } catch {
            // The slots meet the same and say so.
            return
        }
    }
}
