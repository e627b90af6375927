import CLinux

/// Columns of the terminal that a descriptor is; nil when it is none, or says 0.
package func terminalWidth(_ descriptor: Int32) -> Int? {
    let columns = clinux_terminal_columns(descriptor)
    return columns > 0 ? Int(columns) : nil
}
