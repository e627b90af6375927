import DequeModule
import HTTPKit
import World

/// The state as a page that a person reads; it loads itself anew every two seconds.
enum StatePage {
    static func html(_ state: JSONValue, _ requests: Deque<RequestJournal.Entry>.SubSequence) -> String {
        let servers = table(
            ["name", "status", "task_state", "addresses", "volumes", "flavor", "image", "fault"],
            rows(state["servers"], plural: ["addresses": "address"]))
        let volumes = table(["name", "status", "size", "server", "device"], rows(state["volumes"]))
        let nodes = table(
            [
                "name", "up", "machine_type", "locked", "locked_by", "description", "os_type", "os_version",
                "mac_address",
            ],
            rows(state["nodes"]))
        let names = (state["dns"]?["records"]?.object ?? [:]).sorted { $0.key < $1.key }
        let records = table(["name", "records"], names.map { [$0.key, text($0.value)] })
        let journal = table(
            ["time", "service", "request", "status"],
            requests.reversed().map { entry in
                [
                    entry.time.description, entry.service.rawValue, "\(entry.method.rawValue) \(entry.path)",
                    (entry.status.map(String.init) ?? "no answer") + (entry.struckByFault ? " (fault)" : ""),
                ]
            })
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Sandbox</title>
            <style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse;margin-bottom:1.5em}
            td,th{text-align:left;padding:.2em .8em .2em 0;border-bottom:1px solid #ddd;vertical-align:top}</style>
            </head><body><h1>Sandbox</h1><p>\(escape(state["at"]?.string ?? "")), as JSON: <a href="/sandbox/state">state</a>,
            <a href="/sandbox/requests">requests</a>, <a href="/sandbox/faults">faults</a></p>
            <h2>Servers</h2>\(servers)<h2>Volumes</h2>\(volumes)<h2>Nodes</h2>\(nodes)<h2>DNS</h2>\(records)
            <h2>Requests</h2>\(journal)</body></html>

            """
    }

    private static func rows(_ list: JSONValue?, plural: [String: String] = [:]) -> [JSONObject] {
        (list?.array ?? []).compactMap(\.object).map { row in
            var row = row
            for (column, member) in plural {
                row[column] = .array((row[column]?.array ?? []).compactMap { $0[member] })
            }
            return row
        }
    }

    private static func table(_ columns: [String], _ rows: [JSONObject]) -> String {
        table(columns, rows.map { row in columns.map { text(row[$0] ?? .null) } })
    }

    private static func table(_ columns: [String], _ rows: [[String]]) -> String {
        if rows.isEmpty { return "<p>None.</p>" }
        let head = columns.map { "<th>\(escape($0))</th>" }.joined()
        let body = rows.map { "<tr>\($0.map { "<td>\(escape($0))</td>" }.joined())</tr>" }.joined(separator: "\n")
        return "<table><tr>\(head)</tr>\n\(body)</table>"
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: ""
        case .string(let text): text
        case .array(let items): items.map(text).joined(separator: ", ")
        default: value.text
        }
    }

    private static func escape(_ text: String) -> String {
        text.reduce(into: "") { out, character in
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default: out.append(character)
            }
        }
    }
}
