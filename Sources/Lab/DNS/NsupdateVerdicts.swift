import HTTPKit
import Resilience

/// The one place that says what an answer of nsupdate-web means (facts/teuthology.md section 2). It has one status, 500,
/// for everything that nsupdate may say, so the text decides.
enum NsupdateVerdicts {
    static let service = "nsupdate-web"

    private static let checkURL = "check nsupdate_url in the configuration"

    static func judge(_ response: HTTPResponse) -> Verdict? {
        let text = message(of: response)
        switch response.status {
        case 200:
            if outcome(of: response) != nil { return nil }
            // The body ends where the connection does, so a cut answer looks whole; what it meant is not known.
            return Verdict(
                .ambiguous, "HTTP 200 with \(text.debugDescription) instead of success or no-change", next: checkURL)
        case 300..<400:
            return Verdict(.site, "\(response.redirection); nothing was written", next: checkURL)
        case 400:
            return Verdict(.permanent, text, next: "correct the node's name or address")
        case 401, 407:
            return Verdict(
                .site, text, next: "check user and password for nsupdate-web; it knows hosts by their short names")
        case 403:
            return Verdict(
                .permanent, text,
                next: "let nsupdate-web's --allow-hosts match the node's short name, or rename the node")
        case 408, 425, 429:
            return Verdict(.transient, text)
        case 500:
            return judgeScript(text)
        case 502, 503, 504:
            return Verdict(.transient, text, next: "check that nsupdate-web is up", isOutage: true)
        default:
            return Verdict(.site, text, next: checkURL)
        }
    }

    /// What nsupdate said on stderr, or `timeout` after three seconds.
    private static func judgeScript(_ text: String) -> Verdict {
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        // In this order: the TSIG texts come with a NOTAUTH or REFUSED of their own, and the text of a refused
        // connection has "refused" in lower case.
        if says("TSIG", "BADSIG", "BADKEY", "BADTIME", "could not read key") {
            return Verdict(.site, text, next: "check the TSIG key of nsupdate-web against the one of the DNS server")
        }
        if says("REFUSED", "NOTAUTH", "NOTZONE") {
            return Verdict(.site, text, next: "check that the DNS server lets nsupdate-web's key update the lab's zone")
        }
        if says("bad owner", "invalid owner name", "not a valid class or type", "could not read owner", "syntax error")
        {
            return Verdict(.permanent, text, next: "correct the node's name: DNS takes it for something else")
        }
        if text == "timeout" || says("Communication with", "timed out", "connection refused", "SERVFAIL", "unreachable")
        {
            return Verdict(.transient, text, next: "check the DNS server that nsupdate-web updates", isOutage: true)
        }
        // Any warning on stderr is a 500, although DNS was changed: the health of the service is not in question.
        return Verdict(.transient, text, next: "look at what nsupdate says on nsupdate-web's host")
    }

    /// Who asked and for which name was right.
    static func refusesOnlyTheAddress(_ response: HTTPResponse) -> Bool {
        response.status == 400 && response.text.hasPrefix("broken address")
    }

    static func outcome(of response: HTTPResponse) -> NsupdateAnswer? {
        switch response.text.trimmingSpaces {
        case "success": .changed
        case "no-change": .noChange
        default: nil
        }
    }

    /// Some errors bring two whole responses on one connection; the second is dropped.
    static func message(of response: HTTPResponse) -> String {
        var response = response
        if let second = response.text.firstRange(of: "HTTP/1.0 ") {
            response.body = Array(response.text[..<second.lowerBound].utf8)
        }
        return AnswerText.summary(of: response)
    }
}
