import HTTPKit
import Testing

@Suite struct JSONObjectTests {
    @Test func membersStandInOrder() {
        let object: JSONObject = ["b": 2, "c": 3, "a": 1]
        #expect(object.keys == ["a", "b", "c"])
        #expect(JSONValue.object(object).text == #"{"a":1,"b":2,"c":3}"#)
        #expect(object == ["a": 1, "b": 2, "c": 3])
        #expect(Set([object, ["c": 3, "b": 2, "a": 1]]).count == 1)
        #expect(object != ["a": 1, "b": 2])
    }

    @Test(arguments: [#"{"a":1,"b":2,"a":3}"#, #"{"a":1,"a":3,"b":2}"#, #"{"b":2,"a":1,"a":3}"#])
    func ofEqualNamesTheLastStands(_ text: String) throws {
        #expect(try JSONValue(parsing: Array(text.utf8)) == ["a": 3, "b": 2])
    }

    /// More than the standard library sorts in one go.
    @Test func theLastOfManyStands() throws {
        let members = (0..<3_000).map { "\"\($0 * 7 % 1_000)\":\($0)" }.joined(separator: ",")
        let object = try #require(JSONValue(parsing: Array("{\(members)}".utf8)).object)
        #expect(object.count == 1_000)
        for index in 2_000..<3_000 { #expect(object["\(index * 7 % 1_000)"] == .integer(index)) }
    }

    @Test func membersComeAndGo() {
        var object = JSONObject()
        for name in ["m", "z", "a", "m"] { object[name] = .string(name + "!") }
        #expect(object == ["a": "a!", "m": "m!", "z": "z!"])
        object["m"] = nil
        object["n"] = nil
        #expect(object.keys == ["a", "z"])
        #expect(object["m"] == nil && object["z"] == "z!")
        // A member that is null is there.
        object["m"] = .null
        #expect(object.keys == ["a", "m", "z"])
    }

    @Test func theOthersMembersStandWhenMerged() {
        let object: JSONObject = ["a": 1, "b": "two"]
        #expect(object.merging(["b": 3, "c": 4]) == ["a": 1, "b": 3, "c": 4])
        #expect(object.strings == ["b": "two"])
        #expect(object.filter { $0.key == "a" } == ["a": 1])
    }

    /// Python's dictionaries do, and libcloud takes the first address of the first network.
    @Test func whatIsReadKeepsItsOrder() throws {
        let text = #"{"public":[1],"admin":[2],"storage":[3]}"#
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(value.object?.keys == ["public", "admin", "storage"])
        #expect(value.text == text)
        let same: JSONValue = ["admin": [2], "storage": [3], "public": [1]]
        #expect(value == same && Set([value, same]).count == 1)
        let twins = try JSONValue(parsing: Array(#"{"b":1,"a":2,"b":3}"#.utf8))
        #expect(twins.text == #"{"b":3,"a":2}"#)
        var changed = try #require(value.object)
        changed["admin"] = 5
        changed["public"] = nil
        #expect(changed.keys == ["admin", "storage"] && changed["admin"] == 5)
    }
}
