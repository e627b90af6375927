extension Collection where Element: Sendable {
    /// Runs `operation` for all elements at once and waits for all of them: one that fails cancels none of the others.
    ///
    /// - Returns: what became of each element, in the order of the elements.
    package func concurrentResults<Value: Sendable>(
        of operation: @escaping @Sendable (Element) async throws -> Value
    ) async -> [Result<Value, any Error>] {
        await withTaskGroup(of: Indexed<Result<Value, any Error>>.self) { group in
            for (index, element) in enumerated() {
                group.addTask {
                    do {
                        let value = try await operation(element)
                        return Indexed(index: index, value: .success(value))
                    } catch {
                        return Indexed(index: index, value: .failure(error))
                    }
                }
            }
            var results: [Indexed<Result<Value, any Error>>] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.index < $1.index }.map(\.value)
        }
    }
}

private struct Indexed<Value: Sendable>: Sendable {
    let index: Int
    let value: Value
}
