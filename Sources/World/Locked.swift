#if !PTHREAD_LOCKS
    import Synchronization

    /// A value behind a lock, for the few things that several threads share. The only lock of the project: a
    /// ThreadSanitizer build swaps it (`Locked+pthread.swift`).
    package final class Locked<Value: ~Copyable & Sendable>: Sendable {
        private let mutex: Mutex<Value>

        package init(_ value: consuming Value) {
            mutex = Mutex(value)
        }

        package func withLock<Result: Sendable>(_ body: (inout Value) throws -> Result) rethrows -> Result {
            try mutex.withLock { value in try body(&value) }
        }
    }
#endif
