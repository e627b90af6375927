import HTTPKit
import Testing

@Suite struct JSONReadableTests {
    private struct Machine: JSONReadable, Equatable {
        var id: String
        var cores: Int?
        var tags: [String: [Bool]]

        init(id: String, cores: Int?, tags: [String: [Bool]]) {
            (self.id, self.cores, self.tags) = (id, cores, tags)
        }

        init(json: JSONValue) throws(JSONError) {
            id = try json.read("id")
            cores = try json.readIfPresent("cores")
            tags = try json.readIfPresent("tags") ?? [:]
        }
    }

    private func machines(_ text: String) throws -> [Machine] {
        let json = try JSONValue(parsing: Array(text.utf8))
        return try json.read("machines")
    }

    @Test func readsWhatIsThereAndPassesOverWhatNobodyAskedFor() throws {
        let read = try machines(
            #"{"machines": [{"id": "a", "cores": 4.0, "tags": {"x": [true]}, "new": {}}, {"id": "b", "cores": null}]}"#)
        #expect(read == [Machine(id: "a", cores: 4, tags: ["x": [true]]), Machine(id: "b", cores: nil, tags: [:])])
    }

    @Test(arguments: [
        (#"{}"#, "no machines"),
        (#"{"machines": null}"#, "no machines"),
        (#"[]"#, "unexpected value"),
        (#"{"machines": {}}"#, "unexpected value at machines"),
        (#"{"machines": [{"id": "a"}, {"cores": 1}]}"#, "no id at machines.1"),
        (#"{"machines": [{"id": 7}]}"#, "unexpected value at machines.0.id"),
        (#"{"machines": [{"id": "a", "cores": 1.5}]}"#, "unexpected value at machines.0.cores"),
        (#"{"machines": [{"id": "a", "tags": {"x": [true, "secret"]}}]}"#, "unexpected value at machines.0.tags.x.1"),
        (#"{"machines": ["#, "not JSON: the end where a value is expected at byte 14"),
    ])
    func saysWhereAndNothingOfTheContent(_ text: String, _ complaint: String) {
        let error = #expect(throws: JSONError.self) { _ = try machines(text) }
        #expect(error?.description == complaint)
    }

    @Test func oneOddElementIsKeptApart() throws {
        let text =
            #"[{"id": "a"}, {"id": 7, "name": "\u001b[2Jodd"}, null, {"id": "b", "tags": {"x": "no"}}, {"id": "c"}]"#
        let elements = try JSONElements<Machine>(json: JSONValue(parsing: Array(text.utf8)))
        #expect(elements.items.map(\.id) == ["a", "c"])
        #expect(
            elements.odd.map(\.description) == [
                "[2Jodd (unexpected value at 1.id)", "(unexpected value at 2)", "b (unexpected value at 3.tags.x)",
            ])
        #expect(throws: JSONError.self) { try JSONElements<Machine>(json: ["id": "a"]) }
    }
}
