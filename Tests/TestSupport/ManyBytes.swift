/// So many bytes, no two pieces of a usual size alike: their period is a prime.
///
/// Not made one by one: in a debug build under ThreadSanitizer that takes minutes for a few million, as each step of the
/// iteration takes the runtime's lock.
package func manyBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](0..<251)
    while bytes.count < count { bytes += bytes }
    return Array(bytes.prefix(count))
}
