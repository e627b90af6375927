#if !PTHREAD_LOCKS
    package import Synchronization

    /// A value behind a lock, for the few things that several threads share. The only lock of the project: a
    /// ThreadSanitizer build swaps it (`Locked+pthread.swift`).
    package final class Locked<Value: ~Copyable & Sendable>: Sendable {
        @usableFromInline let mutex: Mutex<Value>

        @inlinable
        package init(_ value: consuming Value) {
            mutex = Mutex(value)
        }

        @inlinable @inline(__always)
        package func withLock<Result: Sendable>(_ body: (inout Value) throws -> Result) rethrows -> Result {
            try mutex.withLock { value in try body(&value) }
        }
    }
#endif
