#if !PTHREAD_LOCKS
    public import Synchronization

    /// A value behind a lock, for the few things that several threads share. The only lock of the project: a
    /// ThreadSanitizer build swaps it (`Locked+pthread.swift`). Public, unlike everything else: only then does the
    /// compiler take it apart in other targets, which saves a tenth of a simulated scenario's time.
    public final class Locked<Value: ~Copyable & Sendable>: Sendable {
        @usableFromInline let mutex: Mutex<Value>

        @inlinable
        public init(_ value: consuming Value) {
            mutex = Mutex(value)
        }

        @inlinable @inline(__always)
        public func withLock<Result: Sendable>(_ body: (inout Value) throws -> Result) rethrows -> Result {
            try mutex.withLock { value in try body(&value) }
        }
    }
#endif
