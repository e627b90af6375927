extension Report {
    /// The number of the job that a report is about, without reading all of it, which takes a hundred times as long:
    /// from the line that `encoded` writes.
    /// - Returns: nil where it is written in another way, or is no report of this version: read all of it.
    package static func jobID(atGlance bytes: [UInt8]) -> UInt64? {
        guard bytes.starts(with: firstLine), let start = bytes.end(of: idLine) else { return nil }
        var number: UInt64 = 0
        for byte in bytes[start...] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
                let (sum, carry) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
                if overflow || carry { return nil }
                number = sum
            case UInt8(ascii: "\n"): return number
            default: return nil
            }
        }
        return nil
    }

    /// The part of a report before its steps, which says what failed where and why, and is a third of all: a report that
    /// is read from it lacks steps, resources, warnings, console and body.
    /// - Returns: everything where it is written in another way.
    package static func head(of bytes: [UInt8]) -> [UInt8] {
        guard bytes.starts(with: firstLine), let end = bytes.end(of: stepsLine) else { return bytes }
        return Array(bytes[..<(end - stepsLine.count + 1)])
    }

    private static let firstLine = Array("v: \(version)\n".utf8)
    /// At the beginning of a line stands only what belongs to the report itself.
    private static let idLine = Array("\nid: ".utf8)
    private static let stepsLine = Array("\nsteps:".utf8)
}
