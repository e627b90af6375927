import Beanstalk

/// Protocol text for people: `|` in a test stands for CR LF.
func wire(_ text: String) -> [UInt8] {
    Array(text.replacing("|", with: "\r\n").utf8)
}

func readable(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "|")
}

extension QueuedJob {
    init(_ id: UInt64, _ text: String) {
        self.init(id: JobID(id), body: Array(text.utf8))
    }
}

/// What `stats-job` answers, as recorded from 1.12.
func statsJob(_ id: UInt64, tube: String = "t", ttr: Int = 60, state: String = "reserved") -> String {
    let document = """
        ---
        id: \(id)
        tube: \(tube)
        state: \(state)
        pri: 100
        age: 1
        delay: 0
        ttr: \(ttr)
        time-left: \(ttr - 1)
        file: 0
        reserves: 2
        timeouts: 1
        releases: 3
        buries: 4
        kicks: 5

        """
    return "OK \(document.utf8.count)|\(document)|"
}
