import YAMLKit

/// A secret as the file has it: the text itself, or where to find it. Its description never shows an inline text.
package enum SecretReference: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    case inline(String)
    /// `${env:NAME}`
    case environment(String)
    /// `${file:PATH}`
    case file(String)

    package var description: String {
        switch self {
        case .inline: "(hidden)"
        case .environment(let name): "${env:\(name)}"
        case .file(let path): "${file:\(path)}"
        }
    }

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }

    package var isInline: Bool {
        if case .inline = self { true } else { false }
    }

    /// Nil for something in `${…}` that is no reference.
    init?(parsing text: String) {
        guard text.hasPrefix("${"), text.hasSuffix("}") else {
            self = .inline(text)
            return
        }
        let inner = text.dropFirst(2).dropLast()
        if inner.hasPrefix("env:"), inner.utf8.count > 4 {
            self = .environment(String(inner.dropFirst(4)))
        } else if inner.hasPrefix("file:"), inner.utf8.count > 5 {
            self = .file(String(inner.dropFirst(5)))
        } else {
            return nil
        }
    }
}

extension Shape where Value == SecretReference {
    /// Never repeats in a message what was found.
    static var secret: Shape {
        reference(write: { $0.description })
    }

    /// The same for something that is no secret, and so may be shown.
    static var reference: Shape {
        reference { reference in
            if case .inline(let text) = reference { text } else { reference.description }
        }
    }

    private static func reference(write: @escaping @Sendable (SecretReference) -> String) -> Shape {
        let expected = "text, ${env:NAME} or ${file:PATH}"
        return Shape(
            expected,
            read: { node, path, problems in
                guard let text = node.scalar?.text, !text.isEmpty, let reference = SecretReference(parsing: text) else {
                    let found = node.scalar == nil ? node.summary : "something else"
                    problems.error(node.mark, path, "expected \(expected), found \(found)")
                    return nil
                }
                if reference.isInline { node.warnIfCut(path, problems) }
                return reference
            }, write: { .string(write($0)) })
    }
}

extension Node {
    /// A secret that is not quoted ends where a comment begins, whether that was meant or not.
    func warnIfCut(_ path: String, _ problems: Problems) {
        guard scalar?.isCommented == true else { return }
        problems.warning(
            mark, path, "ends before the #, where a comment begins", hint: "quote it if the # is a part of it")
    }
}
