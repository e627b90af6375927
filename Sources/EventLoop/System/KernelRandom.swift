import CLinux
import Glibc
import World

/// The kernel's random numbers.
struct KernelRandom: RandomSource {
    func next() -> UInt64 {
        var number: UInt64 = 0
        // A request of 8 bytes is never answered in part; before the pool is filled, at boot, it may be interrupted.
        while getrandom(&number, 8, 0) != 8 {}
        return number
    }
}
