import CCurlShim
import HTTPKit

/// libcurl's state for the whole process: set up once, before the first handle.
private let isStarted = ccurl_start() == CURLE_OK

/// Owns one transfer's handle and its error text; used for one transfer after the other.
final class CurlEasy {
    let raw: UnsafeMutableRawPointer
    private let errorText = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    init?() {
        guard isStarted, let raw = curl_easy_init() else {
            errorText.deallocate()
            return nil
        }
        self.raw = raw
    }

    deinit {
        curl_easy_cleanup(raw)
        errorText.deallocate()
    }

    /// Back to what it was when new; connections and names stay with the multi handle.
    func reset() {
        curl_easy_reset(raw)
        errorText.update(repeating: 0)
        ccurl_set_pointer(raw, CURLOPT_ERRORBUFFER, errorText.baseAddress)
    }

    /// What libcurl has to say about a failure: with host and cause where it knows them.
    func describe(_ code: CURLcode) -> String {
        let specific = String(decoding: errorText.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let general = String(cString: curl_easy_strerror(code))
        return "\(specific.isEmpty ? general : specific) (curl \(code.rawValue))"
    }
}

/// Owns the handle that all transfers and connections belong to.
final class CurlMulti {
    let raw: UnsafeMutableRawPointer

    init?() {
        guard isStarted, let raw = curl_multi_init() else { return nil }
        self.raw = raw
    }

    deinit {
        // Closing idle connections must not call into an actor that is going.
        ccurl_multi_drive(raw, nil, nil, nil)
        curl_multi_cleanup(raw)
    }
}

/// Owns a list of header lines.
final class CurlList {
    private(set) var raw: UnsafeMutablePointer<curl_slist>?

    deinit { curl_slist_free_all(raw) }

    /// - Returns: false when there is no memory for it.
    func append(_ line: String) -> Bool {
        guard let longer = curl_slist_append(raw, line) else { return false }
        raw = longer
        return true
    }
}
