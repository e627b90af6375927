#if PTHREAD_LOCKS
    import Glibc

    /// The lock of a ThreadSanitizer build (`ops/test --sanitize=thread`): it knows pthread's mutexes and takes what a
    /// `Mutex` orders for races (facts/swift.md section 5).
    package final class Locked<Value: ~Copyable & Sendable>: @unchecked Sendable {
        // Unchecked: `value` is touched only with `mutex` held.
        private let mutex: UnsafeMutablePointer<pthread_mutex_t>
        private var value: Value

        package init(_ value: consuming Value) {
            mutex = .allocate(capacity: 1)
            mutex.initialize(to: pthread_mutex_t())
            pthread_mutex_init(mutex, nil)
            self.value = value
        }

        deinit {
            pthread_mutex_destroy(mutex)
            mutex.deallocate()
        }

        package func withLock<Result: Sendable>(_ body: (inout Value) throws -> Result) rethrows -> Result {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            return try body(&value)
        }
    }
#endif
