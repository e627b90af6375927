import Beanstalk
import Testing

@Suite struct ReplyParserTests {
    static func conversation() throws -> [(String, Reply)] {
        [
            ("INSERTED 85301|", .inserted(JobID(85_301))),
            ("BURIED 7|", .buried(JobID(7))),
            ("BURIED|", .buried(nil)),
            ("USING ovh|", .using(try TubeName("ovh"))),
            ("RESERVED 85301 5|hello|", .reserved(QueuedJob(85_301, "hello"))),
            ("RESERVED 18446744073709551615 0||", .reserved(QueuedJob(.max, ""))),
            ("TIMED_OUT|", .timedOut),
            ("DEADLINE_SOON|", .deadlineSoon),
            ("DELETED|", .deleted),
            ("RELEASED|", .released),
            ("TOUCHED|", .touched),
            ("WATCHING 2|", .watching(2)),
            ("NOT_IGNORED|", .notIgnored),
            ("FOUND 3 12|DELETED||O|", .found(QueuedJob(3, "DELETED\r\n\r\nO"))),
            ("NOT_FOUND|", .notFound),
            ("KICKED 3|", .kicked(3)),
            ("KICKED|", .kicked(nil)),
            ("OK 14|---\n- default\n|", .ok(Array("---\n- default\n".utf8))),
            ("PAUSED|", .paused),
            ("OUT_OF_MEMORY|", .error(.outOfMemory)),
            ("INTERNAL_ERROR|", .error(.internalError)),
            ("BAD_FORMAT|", .error(.badFormat)),
            ("UNKNOWN_COMMAND|", .error(.unknownCommand)),
            ("DRAINING|", .error(.draining)),
            ("EXPECTED_CRLF|", .error(.expectedCRLF)),
            ("JOB_TOO_BIG|", .error(.jobTooBig)),
        ]
    }

    @Test func everyReplyIsUnderstood() throws {
        for (text, reply) in try Self.conversation() {
            #expect(try parse([wire(text)]) == [reply], "\(text)")
        }
    }

    @Test func aConversationMayBeCutAtEveryByte() throws {
        let conversation = try Self.conversation()
        let bytes = wire(conversation.map(\.0).joined())
        let replies = conversation.map(\.1)
        #expect(try parse([bytes]) == replies)
        #expect(try parse(bytes.map { [$0] }) == replies)
        for cut in 1..<bytes.count {
            #expect(try parse([Array(bytes[..<cut]), Array(bytes[cut...])]) == replies, "cut at \(cut)")
        }
    }

    @Test func aParserKnowsWhetherItIsInsideAReply() throws {
        var parser = ReplyParser()
        #expect(!parser.isInsideReply)
        for byte in wire("FOUND 1 2|ab|").dropLast() {
            parser.append([byte])
            let reply = try parser.next()
            #expect(reply == nil)
            #expect(parser.isInsideReply)
        }
        parser.append([10])
        let reply = try parser.next()
        #expect(reply == .found(QueuedJob(1, "ab")))
        #expect(!parser.isInsideReply)
    }

    @Test(arguments: [
        "", " ", "HELLO", "inserted 1", "INSERTED", "INSERTED ", "INSERTED x", "INSERTED -1", "INSERTED +1",
        "INSERTED 1 ", "INSERTED 1 2", "INSERTED  1", "INSERTED 18446744073709551616", "DELETED 1", "DELETED ",
        "RESERVED 1", "RESERVED 1 ", "RESERVED x 1", "RESERVED 1 -1", "RESERVED 1 1x", "OK", "OK ", "OK x",
        "OK 18446744073709551616", "OK 9223372036854775808", "OK 16777217", "USING", "USING ", "USING a:b",
        "USING a b", "WATCHING", "KICKED x", "BURIED x", "HTTP/1.1 400 Bad Request", "\u{1}", "DELETED\r",
    ])
    func linesThatNoBrokerSendsEndTheParser(_ line: String) {
        var parser = ReplyParser()
        parser.append(Array((line + "\r\n").utf8))
        let first = #expect(throws: ProtocolViolation.self) { try parser.next() }
        parser.append(wire("DELETED|"))
        let second = #expect(throws: ProtocolViolation.self) { try parser.next() }
        #expect(first == second)
    }

    @Test func aLineMustEndWithBothBytes() {
        var parser = ReplyParser()
        parser.append(Array("DELETED\n".utf8))
        #expect(throws: ProtocolViolation.self) { try parser.next() }
    }

    @Test func aBodyMustEndWhereItSays() {
        for text in ["RESERVED 1 4|hello|", "RESERVED 1 6|hello|", "OK 2|a|bc|"] {
            var parser = ReplyParser()
            parser.append(wire(text) + wire("||"))
            #expect(throws: ProtocolViolation.self, "\(text)") { while try parser.next() != nil {} }
        }
    }

    @Test func anEndlessLineIsRefusedEarly() throws {
        var parser = ReplyParser()
        parser.append([UInt8](repeating: 65, count: 1_024))
        let reply = try parser.next()
        #expect(reply == nil)
        parser.append([65])
        #expect(throws: ProtocolViolation.self) { try parser.next() }
        var whole = ReplyParser()
        whole.append([UInt8](repeating: 65, count: 2_000) + [13, 10])
        #expect(throws: ProtocolViolation.self) { try whole.next() }
    }

    @Test func theBodyLimitIsInclusiveAndNothingIsAllocatedForAPromise() throws {
        var parser = ReplyParser(bodyLimit: 3)
        parser.append(wire("OK 3|abc|OK 4|"))
        let reply = try parser.next()
        #expect(reply == .ok(Array("abc".utf8)))
        #expect(throws: ProtocolViolation.self) { try parser.next() }
        var trusting = ReplyParser(bodyLimit: .max)
        trusting.append(wire("OK 1073741824|"))
        let promised = try trusting.next()
        #expect(promised == nil)
        var beyond = ReplyParser(bodyLimit: .max)
        beyond.append(wire("OK 1073741825|"))
        #expect(throws: ProtocolViolation.self) { try beyond.next() }
    }

    private func parse(_ pieces: [[UInt8]]) throws -> [Reply] {
        var parser = ReplyParser()
        var replies: [Reply] = []
        for piece in pieces {
            parser.append(piece)
            while let reply = try parser.next() { replies.append(reply) }
        }
        return replies
    }
}
