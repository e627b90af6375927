import HTTPKit

/// Why a request is refused; each service words it in its own way.
enum CloudFault: Error, Sendable {
    /// As the service's own code says it.
    case api(Int, String)
    /// As the web framework around it says it: an unknown URL, too long a body.
    case framework(Int, String)
    /// Neutron names the exception's class too.
    case neutron(Int, type: String, String)
    /// Quota of Cinder: 413 with Retry-After 0.
    case overQuota(String)
    case unauthorized
    /// Whatever it is, written already.
    case response(HTTPResponse)

    static let unknownURL = CloudFault.framework(404, "The resource could not be found.")
}

extension CloudCall {
    /// The headers of an answer that the service's own code wrote.
    func headers(contentType: String? = "application/json") -> HTTPHeaders {
        var fields: [HTTPHeaders.Field] = []
        fields.reserveCapacity(7)
        func add(_ name: String, _ value: String) { fields.append(HTTPHeaders.Field(name: name, value: value)) }
        if let contentType { add("Content-Type", contentType) }
        switch service {
        case .keystone:
            add("Vary", "X-Auth-Token")
            add("x-openstack-request-id", requestID)
        case .nova:
            if let version {
                add("Openstack-Api-Version", "compute \(version)")
                add("X-Openstack-Nova-Api-Version", version.description)
                add("Vary", "OpenStack-API-Version")
                add("Vary", "X-OpenStack-Nova-API-Version")
            }
            add("X-Openstack-Request-Id", requestID)
            add("X-Compute-Request-Id", requestID)
        case .cinder:
            if let version {
                add("X-Compute-Request-Id", requestID)
                add("Openstack-Api-Version", "volume \(version)")
                add("Vary", "OpenStack-API-Version")
            }
            add("X-Openstack-Request-Id", requestID)
        case .glance, .neutron:
            add("X-Openstack-Request-Id", requestID)
        }
        return HTTPHeaders(fields)
    }

    func answer(_ status: Int, _ body: JSONValue) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers(), body: body.bytes)
    }

    /// An answer without a body.
    func empty(_ status: Int, contentType: String? = "application/json") -> HTTPResponse {
        HTTPResponse(status: status, headers: headers(contentType: contentType))
    }

    func answer(_ fault: CloudFault, keystone: String) -> HTTPResponse {
        switch fault {
        case .api(let status, let message): apiFault(status, message)
        case .framework(let status, let message): frameworkFault(status, message)
        case .neutron(let status, let type, let message):
            answer(status, ["NeutronError": ["type": .string(type), "message": .string(message), "detail": ""]])
        case .overQuota(let message): overQuota(message)
        case .unauthorized: unauthorized(keystone: keystone)
        case .response(let response): response
        }
    }

    private func apiFault(_ status: Int, _ message: String) -> HTTPResponse {
        switch service {
        case .keystone:
            return answer(
                status,
                [
                    "error": [
                        "code": .integer(status), "message": .string(message), "title": .string(Self.title(status)),
                    ]
                ])
        case .glance: return frameworkFault(status, message)
        case .neutron: return answer(status, ["NeutronError": ["type": "", "message": .string(message), "detail": ""]])
        case .nova, .cinder:
            let body: JSONValue = [
                Self.envelope(status): ["code": .integer(status), "message": .string(message)]
            ]
            let type = service == .nova ? "application/json; charset=UTF-8" : "application/json"
            return HTTPResponse(status: status, headers: headers(contentType: type), body: body.bytes)
        }
    }

    /// webob's JSON form of an HTTP error; its `code` is a string.
    private func frameworkFault(_ status: Int, _ message: String) -> HTTPResponse {
        let title = Self.title(status)
        let body: JSONValue = [
            "message": .string(message + "<br /><br />\n\n\n"), "code": .string("\(status) \(title)"),
            "title": .string(title),
        ]
        var plain = self
        plain.version = nil
        return HTTPResponse(status: status, headers: plain.headers(), body: body.bytes)
    }

    private func overQuota(_ message: String) -> HTTPResponse {
        var response = answer(
            413, ["overLimit": ["code": 413, "message": .string(message), "retryAfter": "0"]])
        response.headers.add("Retry-After", "0")
        return response
    }

    /// keystonemiddleware's refusal; Glance words it alone, and without a request id (recordings 031 to 039).
    private func unauthorized(keystone: String) -> HTTPResponse {
        let authenticate = "Keystone uri=\"\(keystone)\""
        if service == .glance {
            let text =
                "This server could not verify that you are authorized to access the document you requested. Either "
                + "you supplied the wrong credentials (e.g., bad password), or your browser does not understand how "
                + "to supply the credentials required.<br /><br />\n\n\n"
            return HTTPResponse(
                status: 401, headers: ["Content-Type": "application/json", "Www-Authenticate": authenticate],
                body: JSONValue.object([
                    "message": .string(text), "code": "401 Unauthorized", "title": "Unauthorized",
                ]).bytes)
        }
        var plain = self
        plain.version = nil
        var response = plain.answer(
            401,
            [
                "error": [
                    "code": 401, "title": "Unauthorized",
                    "message": "The request you have made requires authentication.",
                ]
            ])
        response.headers.add(
            "Www-Authenticate", service == .keystone ? "Keystone uri=\"\(keystone)/v3\"" : authenticate)
        return response
    }

    private static func envelope(_ status: Int) -> String {
        switch status {
        case 400: "badRequest"
        case 401: "unauthorized"
        case 403: "forbidden"
        case 404: "itemNotFound"
        case 405: "badMethod"
        case 409: "conflictingRequest"
        case 413: "overLimit"
        case 503: "serviceUnavailable"
        default: "computeFault"
        }
    }

    static func title(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 413: "Request Entity Too Large"
        case 503: "Service Unavailable"
        default: "Internal Server Error"
        }
    }
}
