import Beanstalk
import Resilience

/// The lease of a delivery as the fence of its requests.
struct LeaseFence: Fence {
    let lease: Lease

    func check() throws {
        do {
            try lease.check()
        } catch {
            throw FenceClosed(reason: "\(error.loss)")
        }
    }

    func confirm() async throws {
        try await lease.confirm()
        try check()
    }
}
