import EventLoop
import HTTPKit
import Testing
import World

@testable import CurlHTTP

@Suite struct AnswerHeadTests {
    private func head(_ lines: String...) -> AnswerHead {
        var head = AnswerHead()
        for line in lines { head.add(Array("\(line)\r\n".utf8)) }
        return head
    }

    @Test func fieldsKeepOrderAndRepetition() {
        let head = head("HTTP/1.1 201 Created", "B: 1", "a:2", "b:  3 \t", "Empty:", "no colon", "")
        #expect(head.status == 201)
        #expect(head.headers.fields.map { "\($0.name)=\($0.value)" } == ["B=1", "a=2", "b=3", "Empty="])
        #expect(head.headers.values("b") == ["1", "3"])
    }

    @Test func theLastBlockCounts() {
        let head = head(
            "HTTP/1.1 100 Continue", "X: early", "", "HTTP/1.1 103 Early Hints", "Link: a", "",
            "HTTP/1.1 404 Not Found",
            "X: final", "", "Trailer: late")
        #expect(head.status == 404)
        #expect(head.headers.fields == [.init(name: "X", value: "final")])
    }

    @Test func foldedValuesGoOn() {
        let head = head("HTTP/1.0 200", "A: one", "  two", "\tthree", "B:", " four", "")
        #expect(head.status == 200)
        #expect(head.headers["A"] == "one two three")
        #expect(head.headers["B"] == "four")
    }

    @Test func controlCharactersBecomeBlanks() {
        let head = head("HTTP/1.1 200 OK", "X-Request-Id: req-\u{1B}[2J\u{7F}1", "")
        #expect(head.headers["X-Request-Id"] == "req- [2J 1")
    }

    @Test func noLinesAtAll() {
        #expect(AnswerHead().status == 200)
        #expect(head("HTTP/1.1 huh").status == 0)
        #expect(head("HTTP/1.1").status == 0)
    }
}

@Suite struct AdmissionTests {
    @Test func hostsDoNotWaitForEachOther() {
        var admission = Admission(perHost: 1, total: 2)
        #expect(admission.enter("a") == nil)
        let second = admission.enter("a")
        #expect(second?.isSettled == false)
        #expect(admission.enter("b") == nil)
        let third = admission.enter("c")
        #expect(third?.isSettled == false)
        admission.leave("b")
        #expect(third?.isSettled == true)
        #expect(second?.isSettled == false)
        admission.leave("a")
        #expect(second?.isSettled == true)
        #expect(admission.waitingCount == 0)
    }

    @Test func firstComeFirstServed() {
        var admission = Admission(perHost: 2, total: 2)
        #expect(admission.enter("a") == nil)
        #expect(admission.enter("b") == nil)
        let turns = ["a", "b", "a", "b"].map { admission.enter($0) }
        // A newcomer does not overtake.
        admission.leave("a")
        #expect(turns.map { $0?.isSettled } == [true, false, false, false])
        admission.leave("b")
        admission.leave("a")
        #expect(turns.map { $0?.isSettled } == [true, true, true, false])
    }

    @Test func theCancelledDoNotTakeATurn() {
        var admission = Admission(perHost: 1, total: 1)
        #expect(admission.enter("a") == nil)
        let cancelled = admission.enter("a")
        let patient = admission.enter("a")
        cancelled?.fail(CancellationError())
        admission.leave("a")
        #expect(patient?.isSettled == true)
        admission.leave("a")
        #expect(admission.enter("a") == nil)
    }
}

@Suite struct LabelTests {
    @Test func neitherQueryNorUserNorFragment() {
        let request = HTTPRequest(.get, "https://user:secret@host:1/a/b?token=secret#secret")
        #expect(request.label == "GET https://host:1/a/b")
        #expect(request.safeOrigin == "https://host:1")
        #expect(HTTPRequest(.put, "http://host?x=secret").label == "PUT http://host/")
        #expect(HTTPRequest(.put, "secret").label == "PUT (not a URL)")
    }
}
