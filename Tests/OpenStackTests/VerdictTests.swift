import HTTPKit
import Resilience
import Testing

@testable import OpenStack

/// Every kind of refusal that was recorded or reported, and what we make of it.
@Suite struct VerdictTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var service: OpenStackService
        var intent: Intent
        var status: Int
        var body: String
        var kind: ErrorClass?
        var isOutage = false
        var headers: HTTPHeaders = [:]

        var testDescription: String { "\(service.rawValue) \(intent.rawValue) \(status) \(body.prefix(60))" }
    }

    private static func keyed(_ key: String, _ code: Int, _ message: String) -> String {
        #"{"\#(key)": {"code": \#(code), "message": "\#(message)"}}"#
    }

    private static func flat(_ code: String, _ message: String) -> String {
        #"{"message": "\#(message)<br /><br />\n\n\n", "code": "\#(code)", "title": "x"}"#
    }

    static let cases: [Case] = [
        // Nova's quotas (recordings 182, 184, 462), and what only looks like one.
        Case(
            service: .compute, intent: .create, status: 403,
            body: keyed(
                "forbidden", 403, "Quota exceeded for instances: Requested 8, but already used 8 of 10 instances"),
            kind: .capacity),
        Case(
            service: .compute, intent: .create, status: 403,
            body: keyed("forbidden", 403, "Maximum number of ports exceeded"), kind: .capacity),
        Case(
            service: .compute, intent: .create, status: 403,
            body: keyed("forbidden", 403, "Maximum number of metadata items exceeds 128"), kind: .permanent),
        Case(
            service: .compute, intent: .create, status: 403,
            body: keyed("forbidden", 403, "Policy doesn't allow os_compute_api:servers:create to be performed."),
            kind: .permanent),
        Case(
            service: .compute, intent: .create, status: 403,
            body: keyed("forbidden", 403, "It is not allowed to create an interface on external network 1f1f"),
            kind: .permanent),
        Case(
            service: .compute, intent: .look, status: 403,
            body: keyed("forbidden", 403, "Policy doesn't allow os_compute_api:servers:detail to be performed."),
            kind: .site),
        // Unified limits: oslo.limit's words, of what is given up again and of what is not.
        Case(
            service: .compute, intent: .create, status: 403,
            body: keyed(
                "forbidden", 403,
                "Project 7d2b is over a limit for [Resource servers is over limit of 2 due to current usage 2 and delta 1]"
            ), kind: .capacity),
        Case(
            service: .compute, intent: .create, status: 403,
            body: keyed(
                "forbidden", 403,
                "Project 7d2b is over a limit for [Resource class:VCPU is over limit of 4 due to current usage 3 and delta 2, Resource class:MEMORY_MB is over limit of 9 due to current usage 9 and delta 1]"
            ), kind: .capacity),
        Case(
            service: .compute, intent: .create, status: 403,
            body: keyed(
                "forbidden", 403,
                "Project 7d2b is over a limit for [Resource server_metadata_items is over limit of 128 due to current usage 0 and delta 200]"
            ), kind: .permanent),
        // 400s (161, 164, 167, 234, 285, 700) and CPO #1403.
        Case(
            service: .compute, intent: .create, status: 400,
            body: keyed("badRequest", 400, "Can not find requested image"), kind: .permanent),
        Case(
            service: .compute, intent: .change, status: 400,
            body: keyed(
                "badRequest", 400,
                "Invalid volume: volume 'b' status must be 'available' to reserve. Volume b status must be available to reserve, but the status is creating"
            ), kind: .transient),
        Case(
            service: .compute, intent: .change, status: 400,
            body: keyed("badRequest", 400, "Invalid volume: volume b0 is already attached to instances: db55"),
            kind: .ambiguous),
        Case(
            service: .compute, intent: .change, status: 400,
            body: keyed(
                "badRequest", 400,
                "Invalid input received: Invalid volume: Volume attachments can not be created if the volume is in an error state."
            ), kind: .ambiguous),
        Case(
            service: .compute, intent: .remove, status: 400,
            body: keyed(
                "badRequest", 400,
                "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach."
            ), kind: .transient),
        Case(
            service: .compute, intent: .change, status: 404,
            body: keyed("itemNotFound", 404, "Volume 0000 could not be found."), kind: .ambiguous),
        // 409s (133, 422).
        Case(
            service: .compute, intent: .remove, status: 409,
            body: keyed("conflictingRequest", 409, "Instance 7250 is locked"), kind: .permanent),
        Case(
            service: .compute, intent: .remove, status: 409,
            body: keyed("conflictingRequest", 409, "Cannot 'delete' instance db while it is in task_state rebooting"),
            kind: .transient),
        Case(
            service: .compute, intent: .create, status: 409,
            body: keyed(
                "conflictingRequest", 409, "Multiple possible networks found, use a Network ID to be more specific."),
            kind: .permanent),
        // Outages (471, 483, 496, 502) and proxies.
        Case(
            service: .compute, intent: .create, status: 500,
            body: keyed("computeFault", 500, "Unexpected API Error.\\n<class 'nova.exception.GlanceConnectionFailed'>"),
            kind: .ambiguous),
        Case(
            service: .compute, intent: .look, status: 500,
            body: keyed("computeFault", 500, "Unexpected API Error."), kind: .transient, isOutage: true),
        Case(
            service: .compute, intent: .create, status: 503, body: "<html><h1>503</h1>No server is available</html>",
            kind: .ambiguous, isOutage: true),
        Case(
            service: .compute, intent: .create, status: 504, body: "", kind: .ambiguous, isOutage: true),
        Case(
            service: .compute, intent: .create, status: 503,
            body: flat(
                "503 Service Unavailable",
                "The server is currently unavailable. Please try again at a later time.<br /><br />The Keystone service is temporarily unavailable."
            ), kind: .transient, isOutage: true),
        // Rate limits: OVH's gateway, old middleware.
        Case(
            service: .compute, intent: .create, status: 429,
            body: #"{"error":{"status":"429 Too Many Requests","message":"Too Many Requests"}}"#, kind: .transient),
        Case(
            service: .compute, intent: .create, status: 413,
            body: #"{"overLimitFault": {"code": 413, "message": "This request was rate-limited.", "details": "x"}}"#,
            kind: .transient, headers: ["Retry-After": "12"]),
        Case(
            service: .compute, intent: .create, status: 413,
            body: flat(
                "413 Request Entity Too Large", "Request is too large. Larger than max_request_body_size (114688)."),
            kind: .permanent),
        // What no job can mend.
        Case(
            service: .compute, intent: .look, status: 401,
            body:
                #"{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}"#,
            kind: .site),
        Case(
            service: .compute, intent: .look, status: 406,
            body: keyed("computeFault", 406, "Version 2.999 is not supported by the API."), kind: .site),
        Case(service: .compute, intent: .look, status: 302, body: "", kind: .site),
        Case(
            service: .compute, intent: .look, status: 404,
            body: flat("404 Not Found", "The resource could not be found."),
            kind: .transient),
        // Cinder (276, 236, 306, 239, 044, 273).
        Case(
            service: .blockStorage, intent: .create, status: 413,
            body: keyed(
                "overLimit", 413,
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota."),
            kind: .capacity, headers: ["Retry-After": "0"]),
        Case(
            service: .blockStorage, intent: .create, status: 413,
            body: keyed(
                "overLimit", 413,
                "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'."),
            kind: .capacity),
        // By status and key, whatever the words; but of one volume that is too large.
        Case(
            service: .blockStorage, intent: .create, status: 413,
            body: keyed("overLimit", 413, "Kontingent erschöpft"), kind: .capacity, headers: ["Retry-After": "0"]),
        Case(
            service: .blockStorage, intent: .create, status: 413,
            body: keyed(
                "overLimit", 413,
                "VolumeSizeExceedsLimit: Requested volume size 5000G is larger than maximum allowed limit 1000G."),
            kind: .permanent, headers: ["Retry-After": "0"]),
        Case(
            service: .blockStorage, intent: .remove, status: 400,
            body: keyed(
                "badRequest", 400,
                "Invalid volume: Volume status must be available or error and must not be migrating, attached, …"),
            kind: .transient),
        Case(
            service: .blockStorage, intent: .remove, status: 409,
            body: keyed("conflictingRequest", 409, "ConflictNovaUsingAttachment: Detach volume from instance db"),
            kind: .permanent),
        Case(
            service: .blockStorage, intent: .look, status: 400,
            body: keyed("badRequest", 400, "Malformed request url"), kind: .site),
        Case(
            service: .blockStorage, intent: .create, status: 404,
            body: keyed("itemNotFound", 404, "Volume type with name nope could not be found."), kind: .permanent),
        Case(
            service: .blockStorage, intent: .look, status: 500,
            body: keyed("computeFault", 500, "The server has either erred."), kind: .transient, isOutage: true),
        // Neutron and Glance.
        Case(
            service: .network, intent: .change, status: 409,
            body:
                #"{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['port'].", "detail": ""}}"#,
            kind: .capacity),
        Case(
            service: .network, intent: .look, status: 404,
            body:
                #"{"NeutronError": {"type": "HTTPNotFound", "message": "The resource could not be found.", "detail": ""}}"#,
            kind: .site),
        Case(
            service: .image, intent: .look, status: 404,
            body: flat("404 Not Found", "No image found with ID 0000"), kind: .permanent),
        Case(
            service: .image, intent: .look, status: 500,
            body: flat("500 Internal Server Error", "The server has erred."),
            kind: .transient, isOutage: true),
        // Keystone (010, 029, 004).
        Case(
            service: .identity, intent: .login, status: 401,
            body:
                #"{"error": {"code": 401, "message": "The request you have made requires authentication.", "title": "Unauthorized"}}"#,
            kind: .site),
        Case(
            service: .identity, intent: .login, status: 404,
            body:
                #"{"error": {"code": 404, "message": "Could not find Application Credential: e3.", "title": "Not Found"}}"#,
            kind: .site),
        Case(service: .identity, intent: .login, status: 503, body: "", kind: .transient, isOutage: true),
        Case(service: .identity, intent: .login, status: 429, body: "", kind: .transient),
        Case(service: .compute, intent: .create, status: 202, body: "{}", kind: nil),
    ]

    @Test(arguments: cases) func isSortedRightly(_ example: Case) {
        let response = HTTPResponse(
            status: example.status, headers: example.headers, body: Array(example.body.utf8))
        let verdict =
            switch example.service {
            case .compute: ComputeVerdicts.verdict(of: response, intent: example.intent)
            case .blockStorage: BlockStorageVerdicts.verdict(of: response, intent: example.intent)
            case .network: NetworkVerdicts.verdict(of: response, intent: example.intent)
            case .image: ImageVerdicts.verdict(of: response, intent: example.intent)
            case .identity: IdentityVerdicts.login(response)
            }
        #expect(verdict?.kind == example.kind)
        #expect(verdict?.isOutage ?? false == example.isOutage)
    }

    /// The account is allowed what it needs; the configuration names a network too many.
    @Test func namesTheExternalNetworkThatMayNotBeUsed() {
        let body = Self.keyed("forbidden", 403, "It is not allowed to create an interface on external network 1f1f")
        let response = HTTPResponse(status: 403, body: Array(body.utf8))
        let next = ComputeVerdicts.verdict(of: response, intent: .create)?.next ?? ""
        #expect(next.contains("allow_networks") && next.contains("external network 1f1f"))
    }

    @Test func onlyTheServicesOwnWordProvesAbsence() {
        func response(_ body: String, status: Int = 404) -> HTTPResponse {
            HTTPResponse(status: status, body: Array(body.utf8))
        }
        let own = Self.keyed("itemNotFound", 404, "Instance 0000 could not be found.")
        #expect(CommonVerdicts.provesAbsence(response(own)))
        #expect(!CommonVerdicts.provesAbsence(response(own, status: 400)))
        let gone = Self.keyed("itemNotFound", 404, "The resource could not be found.")
        for other in [
            "", gone, "<html>404</html>", Self.flat("404 Not Found", "The resource could not be found."), "{}",
        ] {
            #expect(!CommonVerdicts.provesAbsence(response(other)))
        }
    }

    @Test(arguments: [
        ("Can not find requested image", true), ("Flavor 99999 could not be found.", true),
        ("Network 0000 could not be found.", true), ("Unable to find security_group with name or id 'nope'", true),
        ("The requested availability zone is not available", true), ("Image 69 is not active.", true),
        ("Invalid key_name provided.", false), ("Malformed request body", false),
    ])
    func staleness(message: String, isStale: Bool) {
        let error = ServiceError(
            service: "nova", operation: "create server", status: 400, message: message, kind: .permanent)
        #expect(error.smellsOfStaleness == isStale)
    }

    @Test(arguments: [
        (500, "No valid host was found. ", FaultKind.noValidHost),
        (500, "No valid host was found. There are not enough hosts available.", .noValidHost),
        (500, "No valid host was found. Exceeded max scheduling attempts 3 for instance 7. Last exception: x", .other),
        (413, "Quota exceeded for cores, ram: Requested 4, 15000", .quota),
        (413, "Fault", .quota),
        (
            403,
            "Project 7 is over a limit for [Resource servers is over limit of 2 due to current usage 2 and delta 1]",
            .quota
        ),
        (
            500,
            "Build of instance 96 aborted: Failed to allocate the network(s) with error No fixed IP addresses available for network: 46, not rescheduling.",
            .noAddress
        ),
        (500, "Build of instance b5 aborted: injected fault", .other),
        (500, "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures", .other),
    ])
    func faults(code: Int, message: String, kind: FaultKind) {
        #expect(OpenStack.ServerFault(code: code, message: message).kind == kind)
    }
}

@Suite struct ErrorEnvelopeTests {
    private func envelope(_ body: String, status: Int = 500) -> ErrorEnvelope {
        ErrorEnvelope(HTTPResponse(status: status, body: Array(body.utf8)))
    }

    @Test func markupGoesAndExceptionNamesStay() {
        #expect(
            envelope("<!doctype html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>").message
                == "Not Found")
        #expect(
            envelope(
                #"{"computeFault": {"code": 500, "message": "Unexpected API Error.\n<class 'oslo_db.exception.DBConnectionError'>"}}"#
            )
            .message == "Unexpected API Error. (oslo_db.exception.DBConnectionError)")
        #expect(
            envelope(
                #"{"message": "You do not own this image<br /><br />\n\n\n", "code": "403 Forbidden", "title": "Forbidden"}"#
            )
            .message == "You do not own this image")
    }

    /// Gateways have forms of their own.
    @Test func wordsOfAnyFormAreShown() {
        #expect(envelope(#"{"error_code": "APIG.0308", "error_msg": "Throttled"}"#).message.contains("Throttled"))
        #expect(envelope(#"{"message": {"reason": "Down"}}"#).message == #"{"reason":"Down"}"#)
        #expect(envelope(#"{"error": "invalid_request"}"#).message == "invalid_request")
        #expect(envelope(#"{"errors": [{"detail": "No"}]}"#).message.contains("No"))
        #expect(envelope("upstream connect error").message == "upstream connect error")
        #expect(envelope(#"{"forbidden": {"code": 403, "message": "a\u001b[2J\u202eb"}}"#).message == "a [2J b")
    }

    @Test func aRedirectionOfTheLoginSaysWhatToWrite() {
        let location = "https://cloud.example:5000/identity/v3/auth/tokens?x=1"
        let verdict = IdentityVerdicts.login(
            HTTPResponse(status: 301, headers: ["Location": location], body: Array("<h1>301</h1>".utf8)))
        #expect(verdict?.kind == .site)
        #expect(verdict?.message.contains("https://cloud.example:5000/identity/v3/auth/tokens") == true)
        #expect(verdict?.next == "write https://cloud.example:5000/identity into the auth URL of this provider")
        let other = ComputeVerdicts.verdict(
            of: HTTPResponse(status: 302, headers: ["Location": "https://h/v2.1"]), intent: .look)
        #expect(other?.message == "redirected to https://h/v2.1")
    }

    @Test func nothingIsStillSomething() {
        #expect(envelope("", status: 502).message == "HTTP 502")
        #expect(envelope("{}", status: 502).message == "HTTP 502")
        #expect(envelope("[1]", status: 502).form == .foreign)
    }

    @Test func longTextIsCut() {
        #expect(envelope(String(repeating: "word ", count: 500)).message.count <= 400)
    }
}
