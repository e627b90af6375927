import World

/// What the contract test plays. Commands that depend on time leave tenths of seconds around every boundary, for the
/// real broker runs on a busy machine.
extension BrokerScript {
    static let all: [BrokerScript] = [
        arguments, names, longLines, bodies, order, watchLists, timeToRun, deadlineSoon, staleHolders, waiters,
        pipelining, delays, burying, pausing, disconnecting, draining, statistics, restarting, forgetting, edges,
        halfClosing, crashLoop, usedNotWatched, sizes, tooBigToKeep, comingBackToItsLog, fullDisk, nothingKept,
    ]

    /// Which text is taken for which command and number.
    static let arguments = BrokerScript(
        name: "arguments", facts: ["G6"],
        steps: [.open("a")]
            + Step.say(
                "a", "peek x", "peek 1 x", "peek  1", "peek -1", "peek", "peek-ready x", "peek-ready", "reserve x",
                "reservex", "reserve-with-timeout x", "reserve-with-timeout 0 x", "reserve-with-timeout",
                "reserve-with-timeout ", "reserve-job x", "reserve-job 1 y", "reserve-job", "delete x", "delete 1 x",
                "delete -1", "delete", "delete ", "delete 99999999999999999999999", "delete 18446744073709551615",
                "release 1", "release 1 2", "release 1 2 3", "release 1 2 3 4", "release x 1 1", "bury 1",
                "bury 1 2 3", "bury 1 x", "bury 1 4294967296", "kick", "kick ", "kick x", "kick 1 x", "kick -1",
                "kick 4294967296", "kick-job", "kick-job x", "kick-job 1 x", "touch x", "touch 1 x", "touch 1",
                "stats x", "statsx", "stats-job x", "stats-job 1 x", "stats-job 1", "list-tube-used x",
                "list-tubes-watched x", "list-tubes x", "pause-tube", "pause-tube default", "pause-tube default x",
                "pause-tubedefault 0", "pause-tube  default  0", "pause-tube default 0 x", "pause-tube nope 1",
                "pause-tube -x 1", "put", "put 1", "put 1 0 1", "put 1 0 1 x", "put 1 0 1 1 x", "put -1 0 1 0",
                "put 4294967296 0 1 0", "PUT 1 0 1 0", "Reserve", "", " peek 1", "a\0b", "peek-buried", "peek-delayed")
            + Step.say("a", "stats") + [.ask("a", Array("quitx\r\n".utf8), replies: 0), .expectEnd("a")])

    static let names = BrokerScript(
        name: "names", facts: ["G2", "A6"],
        steps: [.open("a")]
            + Step.say(
                "a", "use", "use ", "use -a", "use a b", "use a:b", "use a_+/;.$()-9", "use \(filler(200))",
                "use \(filler(201))", "watch -a", "watch", "watch a", "watch a", "stats-tube", "stats-tube -x",
                "stats-tube a b", "stats-tube nope", "stats-tube a", "list-tubes", "list-tube-used",
                "list-tubes-watched", "ignore b", "ignore -", "ignore a", "ignore default", "use c", "list-tubes",
                "use d", "list-tubes"))

    /// The limit of 224 bytes, and the carriage returns that the broker looks at.
    static let longLines = BrokerScript(
        name: "long lines", facts: ["A9"],
        steps: [.open("a")]
            + Step.say("a", filler(222), filler(223) + "\r\nlist-tube-used").dropLast() + [
                .ask("a", Array("\(filler(222))\r\n".utf8), replies: 1),
                .ask("a", Array("\(filler(223))\r\n".utf8), replies: 0), .silence("a", .milliseconds(80)),
                .ask("a", Array("y\r\n".utf8), replies: 1),
                .ask("a", Array("\(filler(300))\r\nlist-tube-used\r\n".utf8), replies: 2),
                .ask("a", Array("\(filler(447))\r\nlist-tube-used\r\n".utf8), replies: 1),
                .silence("a", .milliseconds(80)), .ask("a", Array("\r\nlist-tube-used\r\n".utf8), replies: 2),
                .ask("a", Array("a\rb\r\n".utf8), replies: 0), .silence("a", .milliseconds(80)),
                .ask("a", Array("\(filler(230))\r\nlist-tube-used\r\n".utf8), replies: 2),
            ])

    /// Sizes, endings, ids that are used up by puts that fail.
    static let bodies = BrokerScript(
        name: "bodies", facts: ["B1", "G1", "G4"],
        steps: [.open("a")] + Step.put("a", "") + Step.put("a", "with\r\nnewline") + [
            .ask("a", Array("put 1 0 1 65536\r\n\(filler(65_536))\r\n".utf8), replies: 1),
            .ask("a", Array("put 1 0 1 65535\r\n\(filler(65_535))\r\n".utf8), replies: 1),
            .ask("a", Array("put 1 0 1 70000\r\n\(filler(70_000))\r\nlist-tube-used\r\n".utf8), replies: 2),
            .ask("a", Array("put 1 0 1 3\r\nabcd\r\n".utf8), replies: 1),
            .ask("a", Array("list-tube-used\r\n".utf8), replies: 1),
            .ask("a", Array("put 1 0 1 1 x\r\nz\r\n".utf8), replies: 2),
            .ask("a", Array("put 1 0 1 x\r\nzz\r\n".utf8), replies: 2),
        ] + Step.put("a", "last", ttr: 0) + Step.say("a", "stats-job 6", "peek 2", "peek 4", "peek 3", "peek 5"))

    /// Priority, then id; released jobs go back to their place.
    static let order = BrokerScript(
        name: "order", facts: ["C1", "C2", "C5", "F1", "F6"],
        steps: [.open("a"), .open("b")] + Step.say("a", "use one", "watch one", "watch two", "ignore default")
            + Step.put("a", "p9", priority: 9) + Step.put("a", "p5", priority: 5) + Step.put("a", "p5 too", priority: 5)
            + Step.say("a", "use two") + Step.put("a", "p7", priority: 7) + Step.put("a", "p0", priority: 4_294_967_295)
            + Step.say(
                "a", "reserve-with-timeout 0", "reserve", "release 2 5 0", "release 3 6 0", "reserve", "reserve",
                "reserve", "reserve", "reserve", "reserve-with-timeout 0", "stats-job 2", "delete 2", "delete 2",
                "release 3 1 0", "peek-ready", "use one", "peek-ready", "peek 4"))

    static let watchLists = BrokerScript(
        name: "watch lists", facts: ["A6", "G2"],
        steps: [.open("a"), .open("b")]
            + Step.say(
                "a", "watch t1", "watch t2", "watch t3", "list-tubes-watched", "ignore t1", "list-tubes-watched",
                "list-tubes", "watch t4", "ignore default", "list-tubes-watched", "list-tubes")
            + Step.say("b", "list-tubes", "use t9", "watch t8") + [.close("a")] + Step.say("b", "list-tubes")
            + Step.put("b", "keeps its tube") + Step.say("b", "use default", "list-tubes", "stats-tube t9", "delete 1")
            + Step.say("b", "list-tubes", "stats-tube t9") + [.open("a")]
            + Step.say("a", "list-tubes-watched", "list-tube-used"))

    static let timeToRun = BrokerScript(
        name: "time to run", facts: ["A2", "B1", "B2", "B6"],
        steps: [.open("a"), .open("b")] + Step.put("a", "job", ttr: 2) + Step.say("a", "reserve", "stats-job 1") + [
            .wait(.milliseconds(1_400))
        ] + Step.say("a", "touch 1", "stats-job 1") + Step.say("b", "touch 1", "release 1 1 1", "bury 1 1", "delete 1")
            + [.wait(.milliseconds(1_300))] + Step.say("a", "stats-job 1") + [.wait(.milliseconds(1_200))] + nudge("a")
            + Step.say("a", "stats-job 1", "touch 1", "release 1 1 1", "bury 1 1")
            + Step.say("b", "reserve-with-timeout 0", "stats-job 1") + Step.say("a", "stats"))

    static let deadlineSoon = BrokerScript(
        name: "deadline soon", facts: ["B3", "B4"],
        steps: [.open("a"), .open("b")] + Step.put("a", "one", ttr: 1)
            + Step.say("a", "reserve", "reserve-with-timeout 5", "reserve", "reserve-with-timeout 0")
            + Step.put("b", "two", ttr: 9) + Step.say("a", "reserve", "delete 2", "delete 1")
            + Step.put("a", "three", ttr: 2) + Step.say("a", "reserve") + Step.block("a", "reserve-with-timeout 9") + [
                .silence("a", .milliseconds(500)), .expect("a", replies: 1), .wait(.milliseconds(1_300)),
            ] + nudge("a") + Step.say("a", "touch 3", "stats-job 3")
            // A ready job in a paused tube keeps DEADLINE_SOON away at first, and not for long.
            + Step.put("b", "four", ttr: 1) + Step.say("a", "reserve", "reserve")
            + Step.say("a", "pause-tube default 3")
            + Step.put("b", "five", ttr: 5) + Step.say("a", "reserve-with-timeout 1"))

    /// A holder whose time ran out, against every state that the job may have by then.
    static let staleHolders = BrokerScript(
        name: "stale holders", facts: ["B5", "B6"],
        steps: [.open("a"), .open("b")] + (1...5).flatMap { Step.put("a", "job \($0)", ttr: 1) }
            + Step.say("a", "reserve", "reserve", "reserve", "reserve", "reserve") + [.wait(.milliseconds(1_300))]
            + nudge("a") + Step.say("b", "reserve", "reserve", "reserve", "reserve")
            + Step.say("b", "release 2 1 30", "bury 3 1", "touch 4")
            + Step.say("a", "touch 1", "delete 1", "delete 2", "delete 3", "delete 4", "delete 5", "stats-tube default")
            // A touch in front does not help unless its answer is read; a bury does.
            + Step.put("a", "six", ttr: 1) + Step.put("a", "seven", ttr: 1) + Step.say("a", "reserve", "reserve")
            + [.wait(.milliseconds(1_300))] + nudge("a")
            + [.ask("a", Array("touch 6\r\ndelete 6\r\nbury 7 1\r\nstats-job 7\r\n".utf8), replies: 4)])

    static let waiters = BrokerScript(
        name: "waiters", facts: ["A1", "A3", "C4"],
        steps: ["a", "b", "c", "d", "p"].map { Step.open($0) } + Step.block("a", "reserve") + Step.block("b", "reserve")
            + Step.block("c", "reserve-with-timeout 1") + Step.block("d", "reserve")
            + Step.say("p", "stats-tube default")
            + Step.put("p", "first") + [.expect("a", replies: 1)] + Step.put("p", "second") + [
                .silence("a", .milliseconds(50)), .expect("c", replies: 1), .wait(.milliseconds(1_100)),
            ] + Step.put("p", "third") + Step.put("p", "fourth") + [.expect("b", replies: 1), .expect("d", replies: 1)]
            + Step.block("a", "reserve-with-timeout 1") + [.wait(.milliseconds(1_100)), .expect("a", replies: 1)]
            + Step.block("a", "reserve") + [.close("b"), .expect("a", replies: 1)]
            + Step.say("p", "stats-job 3", "stats"))

    static let pipelining = BrokerScript(
        name: "pipelining", facts: ["A1", "A8", "B5"],
        steps: [.open("a"), .open("b")] + [
            .ask("a", Array((1...200).map { "put \($0 % 7) 0 60 2\r\nxy\r\n" }.joined().utf8), replies: 200),
            .ask("a", Array(String(repeating: "reserve-with-timeout 0\r\n", count: 201).utf8), replies: 201),
            .ask("a", Array((1...200).map { "delete \($0)\r\n" }.joined().utf8), replies: 200),
            .ask("a", Array("put 1 0 3 1\r\nz\r\nreserve\r\n".utf8), replies: 2),
            .ask("a", Array("reserve-with-timeout 1\r\ntouch 201\r\nlist-tube-used\r\n".utf8), replies: 0),
            .silence("a", .milliseconds(700)), .expect("a", replies: 3),
        ] + [.ask("a", Array("reserve\r\nstats-job 202\r\ndelete 202\r\n".utf8), replies: 0), .wait(.milliseconds(50))]
            + Step.put("b", "wakes") + [.expect("a", replies: 3)])

    static let delays = BrokerScript(
        name: "delays", facts: ["F3", "F4"],
        steps: [.open("a")] + Step.put("a", "later", delay: 2) + Step.put("a", "soon", delay: 1)
            + Step.say("a", "peek-delayed", "peek-ready", "reserve-with-timeout 0", "stats-job 1")
            + Step.block("a", "reserve") + [.silence("a", .milliseconds(600)), .expect("a", replies: 1)]
            + Step.say("a", "release 2 7 2", "stats-job 2", "kick-job 1", "kick-job 1", "reserve", "release 1 1 9")
            + Step.say("a", "kick 1", "stats-job 2", "kick 5", "peek-ready", "delete 2") + Step.put("a", "x", delay: 9)
            + Step.say("a", "delete 3", "stats-tube default"))

    static let burying = BrokerScript(
        name: "burying", facts: ["D3", "F2", "F3", "F4", "F5"],
        steps: [.open("a"), .open("b")] + (1...5).flatMap { Step.put("a", "job \($0)") }
            + Step.say(
                "a", "reserve", "reserve", "reserve", "reserve", "bury 3 2", "bury 1 9", "bury 4 1", "peek-buried")
            + Step.put("a", "delayed", delay: 60)
            + Step.say(
                "a", "stats-job 3", "delete 1", "kick 1", "peek-buried", "kick-job 4", "kick-job 5", "kick-job 2")
            + Step.say("a", "stats-job 4", "kick 1", "stats-job 6", "bury 2 1", "peek 2")
            + Step.say("b", "reserve-job 2", "stats-job 2", "reserve-job 2") + [.close("b")]
            + Step.say("a", "stats-job 2", "reserve-job 99", "stats-tube default", "kick 9"))

    static let pausing = BrokerScript(
        name: "pausing", facts: ["F5", "G5"],
        steps: [.open("a"), .open("b")] + Step.say("a", "use t", "watch t") + Step.put("a", "job")
            + Step.say("a", "pause-tube t 1", "stats-tube t", "peek-ready", "reserve-with-timeout 0")
            + Step.say("b", "reserve-job 1", "release 1 5 0") + Step.block("a", "reserve") + [
                .silence("a", .milliseconds(400)), .expect("a", replies: 1),
            ] + Step.say("a", "stats-tube t", "release 1 5 0", "pause-tube t 9", "pause-tube t 0")
            + [.wait(.milliseconds(60))] + Step.say("a", "reserve-with-timeout 0", "stats-tube t"))

    static let disconnecting = BrokerScript(
        name: "disconnecting", facts: ["A3", "A7"],
        steps: [.open("a"), .open("b"), .open("w")] + Step.put("a", "job", priority: 3)
            + Step.say("b", "reserve", "release 1 2 0", "reserve") + [.close("b")] + Step.say("a", "stats-job 1")
            + Step.say("w", "reserve", "stats-job 1") + [.open("x")] + Step.block("x", "reserve") + [
                .close("w"), .expect("x", replies: 1),
            ] + Step.say("a", "stats-job 1", "stats") + [
                .ask("a", Array("put 1 0 1 9\r\nhalf".utf8), replies: 0), .wait(.milliseconds(50)), .close("a"),
            ] + Step.put("x", "after") + Step.say("x", "stats"))

    static let draining = BrokerScript(
        name: "draining", facts: ["G3"],
        steps: [.open("a")] + Step.put("a", "job") + Step.say("a", "reserve") + [.drain, .wait(.milliseconds(60))]
            + Step.put("a", "refused") + Step.say("a", "release 1 1 0", "reserve", "bury 1 1", "kick 1", "stats") + [
                .drain, .restart, .open("a"),
            ] + Step.put("a", "again"))

    static let statistics = BrokerScript(
        name: "statistics", facts: ["C3", "F7"],
        steps: [.open("a"), .open("b"), .open("c")] + Step.put("a", "urgent", priority: 1_023)
            + Step.put("a", "not urgent", priority: 1_024) + Step.put("a", "delayed", priority: 1, delay: 60)
            + Step.say("b", "use x", "watch x", "watch y") + Step.block("b", "reserve")
            + Step.say("a", "stats", "stats-tube default", "stats-tube x", "reserve", "stats-tube default")
            + Step.block("c", "reserve-with-timeout 1")
            + Step.say("a", "stats-tube default", "stats", "list-tubes", "touch 2", "peek 2") + [
                .expect("b", replies: 1), .wait(.milliseconds(1_000)), .expect("c", replies: 1),
            ] + Step.say("a", "stats"))

    /// With a binlog.
    static let restarting = BrokerScript(
        name: "restarting", facts: ["B7", "D1", "D2", "D5", "E6", "E7"], isPersistent: true,
        steps: [.open("a")] + Step.say("a", "use t", "watch t") + (1...6).flatMap { Step.put("a", "job \($0)") }
            + Step.say(
                "a", "reserve", "release 1 3 0", "reserve", "bury 1 9", "reserve", "release 2 6 500", "reserve",
                "bury 3 1",
                "reserve", "kick-job 3", "pause-tube t 9", "delete 5", "stats-job 3", "stats-job 4", "stats-tube t",
                "stats")
            + [.restart, .open("a")]
            + Step.say("a", "list-tubes", "use t", "peek-buried", "peek-ready", "peek-delayed")
            + Step.say("a", "stats-job 1", "stats-job 2", "stats-job 3", "stats-job 4", "stats-job 6", "stats-tube t")
            + Step.say("a", "stats") + Step.put("a", "next") + Step.say("a", "stats-job 7") + [.restart, .open("a")]
            + Step.say("a", "stats-job 1", "use t", "peek-buried", "stats-job 7", "stats")
            + Step.say("a", "delete 1", "delete 2", "delete 3", "delete 4", "delete 6", "delete 7") + [
                .restart, .open("a"),
            ]
            + Step.put("a", "after all were gone") + Step.say("a", "delete 8") + [.restart, .restart, .open("a")]
            + Step.put("a", "ids begin again"))

    /// Without one.
    static let forgetting = BrokerScript(
        name: "forgetting", facts: ["D5", "E1", "E8"],
        steps: [.open("a"), .open("b")] + Step.put("a", "job") + Step.block("b", "reserve") + [
            .expect("b", replies: 1), .restart, .expectEnd("a"), .expectEnd("b"), .open("a"),
        ] + Step.say("a", "stats-job 1") + Step.put("a", "job") + Step.say("a", "stats"))

    /// About half of the reservations that run out on a silent connection are not given back by the real one until the
    /// connection speaks (`BrokerSettings.Expiry`): the script cannot wait for luck.
    private static func nudge(_ connection: String) -> [Step] {
        Step.say(connection, "list-tube-used") + [.wait(.milliseconds(30))]
    }

    private static func filler(_ count: Int) -> String { String(repeating: "x", count: count) }
}
