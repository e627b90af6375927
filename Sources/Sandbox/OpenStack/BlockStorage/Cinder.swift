import HTTPKit
import OrderedCollections
import World

extension OpenStackCloud {
    static let cinderLatest = Microversion(3, 70)

    mutating func cinder(_ request: CloudCall) throws(CloudFault) -> HTTPResponse {
        var call = request
        call.version = Microversion(3, 0)
        if call.path.isEmpty { return call.answer(300, ["versions": [cinderVersion]]) }
        guard call.path[0] == "v3" else { throw .unknownURL }
        if call.path.count == 1 { return call.answer(200, ["versions": [cinderVersion]]) }
        let token = try token(of: call)
        do throws(CloudFault) {
            call.version = try cinderVersion(call)
            guard call.path[1] == token.project else { throw .api(400, "Malformed request url") }
            return try routeCinder(call, token)
        } catch {
            // The version belongs into the headers of a refusal too.
            throw .response(call.answer(error, keystone: endpoints.keystone))
        }
    }

    private mutating func routeCinder(_ call: CloudCall, _ token: CloudToken) throws(CloudFault) -> HTTPResponse {
        let rest = Array(call.path.dropFirst(3))
        let kind = call.path.dropFirst(2).first ?? ""
        switch (call.method, kind, rest.count) {
        case (.get, "volumes", 0): return try listVolumes(call, token, detail: false)
        case (.get, "volumes", 1) where rest[0] == "detail": return try listVolumes(call, token, detail: true)
        case (.post, "volumes", 0): return try createVolume(call, token)
        case (.get, "volumes", 1):
            return call.answer(200, ["volume": cinderVolume(try volume(rest[0], token), call)])
        case (.put, "volumes", 1): return try updateVolume(call, try volume(rest[0], token))
        case (.delete, "volumes", 1): return try deleteVolume(call, try volume(rest[0], token))
        case (.post, "volumes", 2) where rest[1] == "action":
            return try volumeAction(call, try volume(rest[0], token))
        case (.get, "volumes", 2) where rest[1] == "metadata":
            return call.answer(200, ["metadata": .map(try volume(rest[0], token).metadata)])
        case (_, "attachments", _) where call.isAtLeast(3, 27): return try cinderAttachments(call, token, rest)
        // Known to the code, but not in this microversion.
        case (_, "attachments", _): throw .api(404, "The resource could not be found.")
        case (.get, "limits", 0): return cinderLimits(call, token)
        case (.get, "os-availability-zone", 0):
            let list = volumeZones.map { ["zoneName": .string($0), "zoneState": ["available": true]] as JSONValue }
            return call.answer(200, ["availabilityZoneInfo": .array(list)])
        case (.get, "os-quota-sets", 1) where rest[0] == token.project: return cinderQuotaSet(call, rest[0])
        case (.get, "os-services", 0):
            throw .api(403, "Policy doesn't allow volume_extension:services:index to be performed.")
        default: throw .unknownURL
        }
    }

    func volume(_ id: String, _ token: CloudToken) throws(CloudFault) -> CloudVolume {
        guard let volume = volumes[id], volume.project == token.project else {
            throw .api(404, "Volume \(id) could not be found.")
        }
        return volume
    }

    private var cinderVersion: JSONValue {
        [
            "id": "v3.0", "status": "CURRENT", "version": .string(Self.cinderLatest.description),
            "min_version": "3.0", "updated": "2022-08-31T00:00:00Z",
            "links": [
                ["rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"],
                ["rel": "self", "href": .string(endpoints.cinder + "/v3/")],
            ],
            "media-types": [
                ["base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"]
            ],
        ]
    }

    private func cinderVersion(_ call: CloudCall) throws(CloudFault) -> Microversion {
        for value in call.headers.values("OpenStack-API-Version") {
            let parts = value.split(separator: " ")
            guard parts.count == 2, parts[0] == "volume" else { continue }
            if parts[1] == "latest" { return Self.cinderLatest }
            guard let version = Microversion(parts[1]) else {
                throw .api(
                    400, "API Version String \(parts[1]) is of invalid format. Must be of format MajorNum.MinorNum.")
            }
            guard version >= Microversion(3, 0), version <= Self.cinderLatest else {
                throw .api(
                    406,
                    "Version \(version) is not supported by the API. Minimum is 3.0 and maximum is "
                        + "\(Self.cinderLatest).")
            }
            return version
        }
        return Microversion(3, 0)
    }

    private func cinderLimits(_ call: CloudCall, _ token: CloudToken) -> HTTPResponse {
        let limits = quotas[token.project ?? ""] ?? configuration.quotas
        let used = volumeUsage(of: token.project ?? "")
        return call.answer(
            200,
            [
                "limits": [
                    "rate": [],
                    "absolute": [
                        "maxTotalVolumes": .integer(limits.volumes), "maxTotalSnapshots": 10,
                        "maxTotalVolumeGigabytes": .integer(limits.gigabytes), "maxTotalBackups": 10,
                        "maxTotalBackupGigabytes": 1_000, "totalVolumesUsed": .integer(used.count),
                        "totalGigabytesUsed": .integer(used.gigabytes), "totalSnapshotsUsed": 0,
                        "totalBackupsUsed": 0, "totalBackupGigabytesUsed": 0,
                    ],
                ]
            ])
    }

    func volumeUsage(of project: String) -> (count: Int, gigabytes: Int) {
        volumes.values.reduce(into: (count: 0, gigabytes: 0)) { sum, volume in
            guard volume.project == project else { return }
            sum.count += 1
            sum.gigabytes += volume.size
        }
    }
}
