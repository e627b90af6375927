package import Resilience
package import World

/// One attempt at one step, as the step sees it.
package struct StepRun: Sendable {
    package let step: String
    package let attempt: Int
    /// For every request that this attempt sends: carries the fence, the drain signal and the journal.
    package let call: Call
    private let journal: Journal

    package init(step: String, attempt: Int, right: Right, journal: Journal) {
        self.step = step
        self.attempt = attempt
        self.journal = journal
        call = Call(fence: right.fence, drain: right.drain, parkAfter: right.parkAfter) { record in
            journal.record(.request(step: step, record))
        }
    }

    package func created(_ resource: String, name: String, id: String) {
        journal.record(.created(step: step, resource: resource, name: name, id: id))
    }

    package func adopted(_ resource: String, name: String, id: String) {
        journal.record(.adopted(step: step, resource: resource, name: name, id: id))
    }

    package func removed(_ resource: String, name: String, id: String) {
        journal.record(.removed(step: step, resource: resource, name: name, id: id))
    }

    package func left(_ resource: String, name: String, id: String, why: String) {
        journal.record(.left(step: step, resource: resource, name: name, id: id, why: why))
    }

    package func warning(_ text: String) { journal.record(.warning(step: step, text: text)) }
    package func note(_ text: String) { journal.record(.note(step: step, text: text)) }
}

/// The right to work on a job: while the fence holds and nobody asked this process to stop.
package struct Right: Sendable {
    package var fence: any Fence
    package var drain: Signal<Void>
    /// How long the job may stand before a closed gate until it gives its slot back; nil: as long as its steps may take.
    package var parkAfter: Duration?

    package init(
        fence: any Fence = OpenFence(), drain: Signal<Void> = Signal(), parkAfter: Duration? = nil
    ) {
        self.fence = fence
        self.drain = drain
        self.parkAfter = parkAfter
    }
}
