/// The metadata keys of our log lines, in the order in which they are shown.
package enum LogKeys {
    package static let key = "key"
    package static let action = "action"
    package static let node = "node"
    package static let provider = "provider"
    package static let job = "job"
    package static let run = "run"
    package static let step = "step"
    package static let attempt = "attempt"
    package static let resource = "resource"
    package static let id = "id"
    package static let service = "service"
    package static let request = "request"
    package static let status = "status"
    package static let requestID = "request_id"
    package static let cause = "cause"
    package static let milliseconds = "ms"
    package static let waited = "waited_ms"

    package static let order = [
        node, action, provider, step, attempt, cause, status, requestID, service, request, resource, id,
        milliseconds, waited, job, key, run,
    ]
}
