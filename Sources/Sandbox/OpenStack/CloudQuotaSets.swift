import HTTPKit
import OrderedCollections

/// `os-quota-sets` of Nova and Cinder: the limits of a project, with what it uses.
extension OpenStackCloud {
    func novaQuotaSet(_ call: CloudCall, _ project: String, detail: Bool) -> HTTPResponse {
        let limits = quotas[project] ?? configuration.quotas
        let used = usage(of: project)
        var rows: [String: (limit: Int, used: Int)] = [
            "cores": (limits.cores, used.cores), "instances": (limits.instances, used.instances),
            "ram": (limits.ram, used.ram), "metadata_items": (limits.metadataItems, 0),
            "key_pairs": (100, 0), "server_groups": (10, 0), "server_group_members": (10, 0),
        ]
        let unlimited = ["fixed_ips", "floating_ips", "security_groups", "security_group_rules"]
        if !call.isAtLeast(2, 50) { for name in unlimited { rows[name] = (-1, 0) } }
        if !call.isAtLeast(2, 57) {
            rows["injected_files"] = (5, 0)
            rows["injected_file_content_bytes"] = (10_240, 0)
            rows["injected_file_path_bytes"] = (255, 0)
        }
        return quotaSet(call, project, rows, detail: detail)
    }

    func cinderQuotaSet(_ call: CloudCall, _ project: String) -> HTTPResponse {
        let limits = quotas[project] ?? configuration.quotas
        let used = volumeUsage(of: project)
        let rows: [String: (limit: Int, used: Int)] = [
            "volumes": (limits.volumes, used.count), "gigabytes": (limits.gigabytes, used.gigabytes),
            "per_volume_gigabytes": (-1, 0), "snapshots": (10, 0), "backups": (10, 0), "backup_gigabytes": (1_000, 0),
            "groups": (10, 0), "volumes___DEFAULT__": (-1, used.count), "gigabytes___DEFAULT__": (-1, used.gigabytes),
            "snapshots___DEFAULT__": (-1, 0),
        ]
        return quotaSet(call, project, rows, detail: call.query.contains { $0.name == "usage" && $0.value == "True" })
    }

    private func quotaSet(
        _ call: CloudCall, _ project: String, _ rows: [String: (limit: Int, used: Int)], detail: Bool
    ) -> HTTPResponse {
        var body = JSONObject()
        for (name, row) in rows {
            body[name] =
                detail
                ? ["limit": .integer(row.limit), "in_use": .integer(row.used), "reserved": 0] : .integer(row.limit)
        }
        body["id"] = .string(project)
        return call.answer(200, ["quota_set": .object(body)])
    }
}
