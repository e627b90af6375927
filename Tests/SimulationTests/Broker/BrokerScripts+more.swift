import World

extension BrokerScript {
    /// The largest numbers, and one more.
    static let edges = BrokerScript(
        name: "edges", facts: ["B1", "C3"], hidden: ["time-left", "pause-time-left"],
        steps: [.open("a")]
            + Step.say(
                "a", "put 4294967295 4294967295 4294967295 1\r\nx", "stats-job 1", "put 4294967296 0 1 1",
                "put 0 4294967296 1 1", "put 0 0 4294967296 1", "put 0 0 1 4294967296", "put 0 0 1 1\r\ny",
                "stats-job 2",
                "put 1023 0 0 0\r\n", "put 1024 0 1 0\r\n", "stats-tube default", "kick-job 18446744073709551615",
                "peek 18446744073709551616", "peek 0", "stats-job 0", "reserve-job 0", "delete 0", "touch 0",
                "kick-job 0", "peek 00000000000000000001", "kick 00000000000000000000000001", "stats-job 1",
                "reserve-with-timeout 0", "release 2 4294967295 4294967295", "stats-job 2", "bury 2 1",
                "reserve-with-timeout 000", "release 3 4294967295 0", "pause-tube default 4294967295",
                "stats-tube default", "pause-tube default 4294967296", "kick 4294967295", "stats-tube default"))

    /// A client that has ended its sending is obeyed to its last command; its reserve does not wait, and what it held
    /// goes back.
    static let halfClosing = BrokerScript(
        name: "half-closing", facts: ["A3", "A4"],
        steps: [
            .open("a"), .last(Array("reserve\r\n".utf8)),
            .last(Array("reserve-with-timeout 9\r\nlist-tube-used\r\n".utf8)),
            .last(Array("list-tube-used\r\nreserve\r\nlist-tube-used\r\nreserve\r\nlist-tubes".utf8)),
            .last(Array("put 1 0 9 1\r\nx\r\nreserve\r\nreserve\r\nwatch t\r\nreserve\r\n".utf8)),
            .wait(.milliseconds(60)),
        ] + Step.say("a", "stats-job 1", "reserve") + [
            .last(Array("put 1 0 9 5\r\nhal".utf8)), .last(Array("quit\r\nlist-tubes\r\n".utf8)),
            .last(Array("reserve\r\nquit\r\nlist-tubes\r\n".utf8)), .last([]), .wait(.milliseconds(60)),
        ] + Step.say("a", "stats", "list-tubes"))

    /// A job whose holders die is the first to be served again, and its counters say nothing of it but `reserves`.
    static let crashLoop = BrokerScript(
        name: "crash loop", facts: ["A7", "C1", "D3"],
        steps: [.open("p")] + Step.put("p", "kills", priority: 7) + Step.put("p", "waits", priority: 7)
            + (1...4).flatMap { _ in
                [.open("w")] + Step.say("w", "reserve", "stats-job 1") + [.close("w")]
            } + Step.say("p", "stats-job 1", "stats-job 2", "reserve", "bury 1 7", "kick 1", "stats-job 1"))

    /// `peek` and `kick` look at the used tube; `kick` at delayed jobs only when none is buried, the soonest first.
    static let usedNotWatched = BrokerScript(
        name: "used, not watched", facts: ["C2", "F1", "F2", "F3", "F6", "F8"],
        steps: [.open("a"), .open("b")] + Step.say("a", "use jobs", "watch jobs", "ignore default")
            + Step.put("a", "late", delay: 900) + Step.put("a", "soon", delay: 300)
            + Step.put("a", "between", delay: 600) + Step.put("a", "one") + Step.put("a", "two")
            + Step.put("a", "three")
            + Step.say("a", "reserve", "reserve", "reserve", "bury 6 1", "bury 4 9", "bury 5 0")
            // Neither `b` watches nor `a` uses them from here.
            + Step.say("a", "use elsewhere", "peek-ready", "peek-delayed", "peek-buried", "kick 9", "use jobs")
            + Step.say("b", "use jobs", "peek-ready", "peek-delayed", "peek-buried", "peek-buried", "kick 0")
            + Step.say(
                "b", "kick 2", "peek-buried", "stats-job 6", "stats-job 4", "peek-ready", "kick 1", "peek-buried")
            + Step.say(
                "b", "kick 2", "peek-delayed", "stats-job 2", "stats-job 1", "delete 1", "delete 6", "peek-delayed")
            + Step.say("a", "reserve", "reserve", "reserve", "reserve", "reserve-with-timeout 0")
            + Step.say("b", "delete 2", "stats-tube jobs"))

    /// `-z`: exactly so many bytes, whatever the protocol text says; the connection stays usable.
    static let sizes = BrokerScript(
        name: "sizes", facts: ["G1", "G4"], maximumJobSize: 10,
        steps: [.open("a")] + Step.put("a", "0123456789") + Step.put("a", "0123456789X") + Step.put("a", "012345678")
            + [
                .ask("a", Array("put 1 0 1 11 garbage\r\n0123456789X\r\nlist-tube-used\r\n".utf8), replies: 2),
                .ask("a", Array("put 1 0 1 4\r\n012345\r\nlist-tube-used\r\n".utf8), replies: 3),
            ] + Step.say("a", "stats", "list-tubes"))

    /// A body is kept with its line end, and measured with it when it is read again: what was accepted within two bytes
    /// of the limit is lost by a restart, with every later record of its file. What was deleted after it comes back.
    static let tooBigToKeep = BrokerScript(
        name: "too big to keep", facts: ["E5"], isPersistent: true, maximumJobSize: 100,
        steps: [.open("a")] + Step.put("a", "deleted later") + Step.put("a", "buried later")
            + Step.put("a", String(repeating: "x", count: 98)) + Step.put("a", String(repeating: "x", count: 99))
            + Step.put("a", "put later") + Step.say("a", "reserve-job 2", "bury 2 1", "delete 1", "stats") + [
                .restart, .open("a"),
            ]
            + Step.say("a", "stats-job 1", "stats-job 2", "stats-job 3", "stats-job 4", "stats-job 5", "stats")
            + Step.put("a", "a number that was given before"))

    /// A broker that is started without its log by mistake, and then as before: the jobs of the one and of the other
    /// have the same ids.
    static let comingBackToItsLog = BrokerScript(
        name: "coming back to its log", facts: ["D5", "E1", "E7"], isPersistent: true,
        steps: [.open("a")] + Step.put("a", "kept") + Step.put("a", "kept too", delay: 900)
            + Step.say("a", "pause-tube default 900") + [.restart(isPersistent: false), .expectEnd("a"), .open("a")]
            + Step.say("a", "stats-job 1", "stats-tube default", "stats") + Step.put("a", "forgotten")
            + Step.say("a", "peek 1", "delete 1") + [.restart(isPersistent: true), .open("a")]
            + Step.say("a", "peek 1", "peek 2", "delete 1") + Step.put("a", "third") + [.restart, .open("a")]
            + Step.say("a", "peek 1", "peek 3", "stats-tube default", "stats"))

    /// No room in the binlog. What needs no record works.
    static let fullDisk = BrokerScript(
        name: "full disk", facts: ["E4", "G4"], isPersistent: true,
        // The jobs that fill the real one are in no tube of this script.
        hidden: ["age", "file", "time-left"],
        steps: [.open("a"), .open("b")] + (1...9).flatMap { Step.put("a", "job \($0)") }
            + Step.put("a", "delayed", delay: 900)
            + Step.say("a", "reserve", "reserve", "reserve", "reserve", "reserve", "reserve", "bury 6 1") + [
                .disk(isFull: true)
            ] + Step.put("a", "refused") + Step.put("a", "")
            + Step.say("a", "bury 1 5", "release 2 5 30", "release 3 5 0")
            + Step.say("a", "delete 4", "touch 5", "delete 7", "kick-job 6", "kick 9", "kick-job 10", "stats-job 6")
            + Step.say(
                "a", "stats-job 1", "stats-job 2", "stats-job 3", "touch 1", "delete 1", "delete 2", "release 2 1 0")
            + Step.say("b", "reserve", "stats-tube default") + [.close("b")] + Step.say("a", "stats-job 3")
            + Step.say("a", "reserve-job 1", "reserve-job 6", "pause-tube default 900", "use t", "watch t") + [
                .disk(isFull: false)
            ]
            + Step.say(
                "a", "use default", "stats-job 1", "stats-job 2", "delete 1", "bury 6 1", "kick 9", "stats-job 6")
            + Step.say("a", "release 5 1 900", "stats-job 5", "stats-tube default") + [
                .disk(isFull: true), .cannotRestart,
            ]
            + [.disk(isFull: false), .restart, .open("a")]
            + Step.say(
                "a", "stats-job 1", "stats-job 2", "stats-job 3", "stats-job 4", "stats-job 5", "stats-job 6",
                "stats-job 7", "stats-tube default"))

    /// Nothing of a pause, of touches, and of what a release without a delay changed is in the log.
    static let nothingKept = BrokerScript(
        name: "nothing kept", facts: ["B7", "D1", "D2", "E7"], isPersistent: true,
        steps: [.open("a")] + Step.put("a", "job", priority: 50) + Step.put("a", "two") + Step.put("a", "three")
            + Step.say("a", "reserve-job 1", "touch 1", "release 1 5 0", "reserve", "release 1 3 0", "stats-job 1")
            + Step.say(
                "a", "reserve-job 3", "bury 3 3", "reserve-job 2", "bury 2 3", "peek-buried", "pause-tube default 900")
            + [.restart, .open("a")]
            + Step.say("a", "stats-job 1", "stats-job 2", "stats-job 3", "peek-buried", "stats-tube default")
            + [.restart, .open("a")] + Step.say("a", "stats-job 2", "stats-job 3"))
}
