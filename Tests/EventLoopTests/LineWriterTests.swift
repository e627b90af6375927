import EventLoop
import Glibc
import TestSupport
import Testing
import World

@Suite(.timeLimit(.minutes(1))) struct LineWriterTests {
    /// A pipe whose reader takes nothing until it is asked to.
    private struct Pipe {
        let reading: Int32
        let writing: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw SystemError(doing: "make a pipe") }
            (reading, writing) = (ends[0], ends[1])
        }

        /// All lines up to one that has `text` in it.
        func lines(upTo text: String) -> [String] {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = read(reading, &buffer, buffer.count)
                guard count > 0 else { return [] }
                bytes += buffer.prefix(count)
                let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
                if bytes.last == UInt8(ascii: "\n"), lines.last?.contains(text) == true { return lines }
            }
        }

        func closeBoth() {
            close(reading)
            close(writing)
        }
    }

    @Test func linesArriveInOrder() async throws {
        let pipe = try Pipe()
        defer { pipe.closeBoth() }
        let writer = try LineWriter(pipe.writing) { "\($0) dropped" }
        for number in 0..<1_000 { writer.write("line \(number)") }
        #expect(pipe.lines(upTo: "line 999") == (0..<1_000).map { "line \($0)" })
        try await writer.flush()
    }

    /// The writer's caller goes on, what does not fit is counted, and that is said once it is read again.
    @Test func aPipeThatNobodyReadsStopsNobody() async throws {
        let pipe = try Pipe()
        defer { pipe.closeBoth() }
        let writer = try LineWriter(pipe.writing, limit: 100_000) { "\($0) dropped" }
        let line = String(repeating: "x", count: 999)
        for _ in 0..<1_000 { writer.write(line) }
        try await withLiveWorld { world in
            _ = await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.milliseconds(50), doing: "flush") { try await writer.flush() }
            }
        }
        let lines = pipe.lines(upTo: "dropped")
        let dropped = try #require(Int(lines.last?.split(separator: " ").first ?? ""))
        #expect(lines.dropLast().allSatisfy { $0 == line })
        #expect(lines.count - 1 + dropped == 1_000)
        #expect(dropped >= 700)
        writer.write("and on")
        #expect(pipe.lines(upTo: "and on") == ["and on"])
        try await writer.flush()
    }

    @Test func aReaderThatIsGoneEndsNothing() async throws {
        ignoreBrokenPipes()
        let pipe = try Pipe()
        close(pipe.reading)
        defer { close(pipe.writing) }
        let writer = try LineWriter(pipe.writing) { "\($0) dropped" }
        writer.write("into the void")
        try await writer.flush()
        #expect(writeWhole("text", to: pipe.writing) == EPIPE)
    }
}
