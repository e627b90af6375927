import HTTPKit
import Resilience

/// A configured http(s) address, without a slash at its end.
struct ServiceAddress: Sendable {
    let url: String

    /// - Throws: `ServiceError` (site) that names the configuration's `key`.
    init(_ text: String, service: String, key: String) throws(ServiceError) {
        var url = text.trimmingSpaces
        while url.utf8.last == UInt8(ascii: "/") { url.removeLast() }
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), URLText.origin(of: url) != nil,
            url.utf8.allSatisfy({ $0 > 32 && $0 < 127 }), !url.utf8.contains(UInt8(ascii: "#"))
        else {
            throw ServiceError(
                service: service, operation: "read its address",
                message: "\(key) is no address that starts with http:// or https://", kind: .site,
                next: "correct \(key) in the configuration")
        }
        self.url = url
    }
}

extension StringProtocol {
    var trimmingSpaces: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
