extension Unicode.Scalar {
    /// Whether a terminal or a reader of lines acts on it: C0, DEL, C1, the separators of lines and paragraphs, and the
    /// marks that turn the direction of text, which can make a line read as another (Unicode TR 9 and 36).
    package var isTerminalControl: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
