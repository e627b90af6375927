import Jobs

/// Which reports are wanted, as far as can be told before they are read.
package struct ReportSelection: Sendable, Hashable {
    /// Also those about jobs that are not buried any more.
    package var stale: Bool
    /// Whether what stands before the steps is enough (`Report.head`).
    package var headOnly: Bool
    private let needles: [[UInt8]]

    /// - Parameter mentions: all of these must stand in it. Those that YAML might write in another way do not count.
    package init(stale: Bool = false, headOnly: Bool = false, mentions: [String] = []) {
        self.stale = stale
        self.headOnly = headOnly
        needles = mentions.filter(Self.isWord).map { Array($0.utf8) }
    }

    /// False only for what cannot be meant: much faster than reading it.
    func mayMean(_ report: [UInt8]) -> Bool { needles.allSatisfy(report.mentions) }

    /// What stands in a text as it is, whichever way the text is quoted.
    private static func isWord(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
