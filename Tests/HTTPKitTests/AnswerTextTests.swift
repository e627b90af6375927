import HTTPKit
import Testing

@Suite struct AnswerTextTests {
    private func response(_ body: String) -> HTTPResponse { HTTPResponse(status: 502, body: Array(body.utf8)) }

    /// Pages of nginx, Apache, HAProxy, Werkzeug and a framework's debug page, and answers that are no pages.
    @Test(arguments: [
        (
            "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx/1.18.0 (Ubuntu)</center>\r\n</body>\r\n</html>\r\n",
            "413 Request Entity Too Large nginx/1.18.0 (Ubuntu)"
        ),
        (
            "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>503 Service Unavailable</title>\n</head><body>\n<h1>Service Unavailable</h1>\n<p>The server&#39;s &quot;queue&quot; is full &amp; busy.</p>\n</body></html>\n",
            "Service Unavailable The server's \"queue\" is full & busy."
        ),
        (
            "<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>\n",
            "504 Gateway Time-out The server didn't respond in time."
        ),
        ("<!doctype html>\n<title>404 Not Found</title>\n", "404 Not Found"),
        (
            "<html><style>h1 { color: red }</style><SCRIPT>if (1 < 2) { alert('x') }</SCRIPT><!-- a > b --><h1>Error</h1>",
            "Error"
        ),
        ("no healthy upstream", "no healthy upstream"), ("wanted 5 < 6 GB", "wanted 5 < 6 GB"), ("", ""),
        ("<", "<"), ("a<b", "a"), ("a <script>never closed", "a"),
        ("\u{1B}]52;c;aGk=\u{7}x\u{9B}31m\u{202E}y\r\nz", "]52;c;aGk= x 31m y z"),
    ])
    func showsTheWordsOfAnAnswer(body: String, words: String) {
        #expect(AnswerText.words(of: response(body)) == words)
    }

    @Test func saysWhatKindOfAnswerItIs() {
        #expect(AnswerText.summary(of: response("<html><body>Down</body></html>")) == "an HTML page: Down")
        #expect(AnswerText.summary(of: response("Down")) == "Down")
        #expect(AnswerText.summary(of: response(" \n")) == "an empty answer")
    }

    @Test func cutsWhatIsLong() {
        let text = AnswerText.shortened(String(repeating: "word ", count: 500))
        #expect(text.count == 400 && text.hasSuffix("…"))
        #expect(AnswerText.words(of: response(String(repeating: "<p>x</p>", count: 100_000))).count == 400)
    }
}

@Suite struct SecretTests {
    private func hidden(_ secret: String, in body: String) -> String {
        var request = HTTPRequest(.get, "http://cloud/")
        request.secrets = [secret]
        return request.withoutSecrets(HTTPResponse(status: 500, body: Array(body.utf8))).text
    }

    @Test(arguments: [
        #"{"headers": {"X-Auth-Token": "s3c/re\"t é&"}}"#, #"{"auth": "s3c\/re\"t \u00e9&"}"#,
        "password=s3c%2Fre%22t%20%C3%A9%26;", "password=s3c%2fre%22t+%c3%a9%26", "<pre>s3c/re&quot;t é&amp;</pre>",
        "<pre>s3c/re&#34;t é&amp;</pre>", "s3c/re\"t é&", "Basic " + Base64.encode("s3c/re\"t é&".utf8),
    ])
    func hidesASecretInEveryForm(body: String) {
        let text = hidden("s3c/re\"t é&", in: body)
        #expect(text.contains("(hidden)"))
        #expect(!text.contains("s3c") && !text.contains("czNj"))
    }

    @Test func hidesWhatIsLeftOfALongSecret() {
        let token = "gAAAAABn" + String(repeating: "x1Y_", count: 40)
        #expect(hidden(token, in: "token \(token.prefix(100))… and \(token)!") == "token (hidden)… and (hidden)!")
        #expect(hidden(token, in: "gAAAAABnot ours") == "gAAAAABnot ours")
    }

    @Test func hidesItInHeadersAndLeavesTheRest() {
        var request = HTTPRequest(.get, "http://cloud/")
        request.secrets = ["hunter2", "", "abc"]
        let response = HTTPResponse(
            status: 302, headers: ["Location": "https://h/?key=hunter2", "X": "abc"], body: Array("abc".utf8))
        let safe = request.withoutSecrets(response)
        #expect(safe.headers["Location"] == "https://h/?key=(hidden)")
        #expect(safe.headers["X"] == "abc" && safe.text == "abc" && safe.status == 302)
    }
}
