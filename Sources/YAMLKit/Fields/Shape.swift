/// How a value of one type looks in YAML: what is expected, how it is read, how it is written. The one place that
/// knows both directions, so that an example written from a value can be read back.
package struct Shape<Value>: Sendable {
    /// Completes "expected …": `a whole number from 1 to 10000`.
    package let expectation: String
    /// Nil after a problem was reported.
    package let read: @Sendable (Node, _ path: String, Problems) -> Value?
    package let write: @Sendable (Value) -> Node

    package init(
        _ expectation: String, read: @escaping @Sendable (Node, _ path: String, Problems) -> Value?,
        write: @escaping @Sendable (Value) -> Node
    ) {
        self.expectation = expectation
        self.read = read
        self.write = write
    }

    /// A shape of one scalar.
    /// - Parameter parse: the value, or nil for "not what was expected".
    package init(
        _ expectation: String, hint: @escaping @Sendable (Scalar) -> String = { _ in "" },
        parse: @escaping @Sendable (Scalar) -> Value?, write: @escaping @Sendable (Value) -> Node
    ) {
        self.init(
            expectation,
            read: { node, path, problems in
                if let scalar = node.scalar, let value = parse(scalar) { return value }
                problems.error(
                    node.mark, path, "expected \(expectation), found \(node.summary)",
                    hint: node.scalar.map(hint) ?? "")
                return nil
            }, write: write)
    }

    /// The same text for people, the same type in YAML, another type in Swift.
    package func map<Other>(
        _ expectation: String? = nil, to: @escaping @Sendable (Value) -> Other?,
        from: @escaping @Sendable (Other) -> Value
    ) -> Shape<Other> {
        let expected = expectation ?? self.expectation
        return Shape<Other>(
            expected,
            read: { [read] node, path, problems in
                guard let value = read(node, path, problems) else { return nil }
                if let other = to(value) { return other }
                problems.error(node.mark, path, "expected \(expected), found \(node.summary)")
                return nil
            }, write: { [write] in write(from($0)) })
    }
}

extension Shape where Value == String {
    /// Any scalar; its source text.
    package static var string: Shape {
        Shape("text", parse: { $0.type == .null ? nil : $0.text }, write: { .string($0) })
    }

    /// Any scalar with a source text of at most so many bytes.
    package static func string(most: Int) -> Shape {
        string.map("text of at most \(most) bytes", to: { $0.utf8.count > most ? nil : $0 }, from: { $0 })
    }
}

extension Shape where Value == Int {
    /// - Parameter unit: `MB`; empty where there is none.
    package static func integer(in range: ClosedRange<Int> = .min ... .max, unit: String = "") -> Shape {
        Shape(
            "a whole number" + bounds(range, unbounded: .min ... .max) { String($0) }
                + (unit.isEmpty ? "" : ", in \(unit)"), hint: numberHint,
            parse: { scalar in
                guard scalar.isPlain, let value = ScalarType.integer(scalar.text) else { return nil }
                return range.contains(value) ? value : nil
            }, write: { .integer($0) })
    }
}

extension Shape where Value == Double {
    package static func number(
        in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
    ) -> Shape {
        let unbounded = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
        return Shape(
            "a number" + bounds(range, unbounded: unbounded) { plainNumber($0) }, hint: numberHint,
            parse: { scalar in
                guard scalar.isPlain, let value = ScalarType.number(scalar.text) else { return nil }
                return range.contains(value) ? value : nil
            }, write: { $0.magnitude < 1e15 && $0 == $0.rounded() ? .integer(Int($0)) : .number($0) })
    }
}

extension Shape where Value == Bool {
    package static var boolean: Shape {
        Shape(
            "true or false",
            hint: { !$0.isPlain && ScalarType.boolean($0.text) != nil ? "remove the quotes" : "" },
            parse: { $0.isPlain ? ScalarType.boolean($0.text) : nil }, write: { .boolean($0) })
    }
}

extension Shape where Value == Duration {
    /// `90` (seconds), `90s`, `500ms`, `5m`, `1h30m`, `2d`.
    package static func duration(in range: ClosedRange<Duration> = .zero ... .seconds(10_000 * 86_400)) -> Shape {
        let unbounded: ClosedRange<Duration> = .zero ... .seconds(10_000 * 86_400)
        return Shape(
            "a duration (90, 90s, 5m, 1h30m)" + bounds(range, unbounded: unbounded) { DurationText.write($0) },
            parse: { scalar in
                guard let value = DurationText.parse(scalar.text) else { return nil }
                return range.contains(value) ? value : nil
            }, write: { .string(DurationText.write($0)) })
    }
}

extension Shape where Value: CaseIterable & RawRepresentable & Sendable, Value.RawValue == String {
    package static var choice: Shape {
        let names = Value.allCases.map(\.rawValue)
        let expected =
            names.count == 1 ? names[0] : names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
        return Shape(
            expected,
            hint: { scalar in Spelling.nearest(to: scalar.text, in: names).map { "did you mean \($0)?" } ?? "" },
            parse: { Value(rawValue: $0.text) }, write: { .string($0.rawValue) })
    }
}

extension Shape {
    /// A list; a single scalar counts as a list of one, which is what teuthology's readers do.
    package static func list<Element>(_ element: Shape<Element>, atLeast: Int = 0) -> Shape where Value == [Element] {
        let expected = "a list (each: \(element.expectation))"
        return Shape(
            expected,
            read: { node, path, problems in
                guard node.mapping == nil else {
                    problems.error(node.mark, path, "expected \(expected), found a mapping")
                    return nil
                }
                let items = node.sequence ?? [node]
                guard items.count >= atLeast else {
                    problems.error(node.mark, path, "expected at least \(atLeast), found \(node.summary)")
                    return nil
                }
                let isList = node.sequence != nil
                let values = items.enumerated().map { position, item in
                    element.read(item, isList ? "\(path)[\(position)]" : path, problems)
                }
                return values.contains { $0 == nil } ? nil : values.compactMap { $0 }
            }, write: { .list($0.map(element.write)) })
    }

    /// A mapping of free names to values of one shape, in the order of the source.
    package static func dictionary<Element>(
        _ element: Shape<Element>, keys: String = "names"
    ) -> Shape where Value == [(key: String, value: Element)] {
        let expected = "a mapping of \(keys) to \(element.expectation)"
        return Shape(
            expected,
            read: { node, path, problems in
                guard let mapping = node.mapping else {
                    problems.error(node.mark, path, "expected \(expected), found \(node.summary)")
                    return nil
                }
                var values: [(key: String, value: Element)] = []
                var failed = false
                for entry in mapping.entries where !entry.value.isNull {
                    if let value = element.read(entry.value, Fields.join(path, entry.key), problems) {
                        values.append((entry.key, value))
                    } else {
                        failed = true
                    }
                }
                return failed ? nil : values
            }, write: { .map($0.map { ($0.key, element.write($0.value)) }) })
    }
}

private func bounds<Bound: Comparable>(
    _ range: ClosedRange<Bound>, unbounded: ClosedRange<Bound>, _ text: (Bound) -> String
) -> String {
    switch (range.lowerBound == unbounded.lowerBound, range.upperBound == unbounded.upperBound) {
    case (true, true): ""
    case (false, true): ", at least \(text(range.lowerBound))"
    case (true, false): ", at most \(text(range.upperBound))"
    case (false, false): " from \(text(range.lowerBound)) to \(text(range.upperBound))"
    }
}

private func plainNumber(_ value: Double) -> String {
    value.magnitude < 1e15 && value == value.rounded() ? String(Int(value)) : "\(value)"
}

private func numberHint(_ scalar: Scalar) -> String {
    if !scalar.isPlain, ScalarType.number(scalar.text) != nil { return "remove the quotes" }
    if scalar.isPlain, scalar.type == .string, Double(scalar.text) != nil { return "YAML reads this as text" }
    return ""
}
