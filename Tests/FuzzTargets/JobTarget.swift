import Jobs
import World
import YAMLKit

/// Job bodies, as any producer may put them into our tubes.
enum JobTarget {
    private static let reader = JobBody(labDomain: "front.lab.test", providers: ["ovh", "other"])
    private static let envelope = Envelope(
        jobID: 17, put: Timestamp(seconds: 1_767_225_600), tubeProvider: "ovh", tubeAction: nil)

    static func check(_ input: [UInt8]) throws {
        _ = JobBody.shownKeys(input)
        switch reader.read(input, envelope) {
        case .foreign(let why):
            try requireOneLine(why, atMost: 20_000)
        case .malformed(let problems, _):
            try require(!problems.isEmpty, "refused without a reason")
            let places = Places(input)
            for problem in problems {
                try requireOneLine(problem.description)
                try require(
                    places.contain(problem.mark) || (problem.mark == .none && problem.path.isEmpty),
                    "a problem outside of the body: \(problem)")
            }
        case .job(let job):
            try check(job)
            try requireLossless(job, input)
        }
    }

    private static func check(_ job: Job) throws {
        if let node = job.node {
            // It is pasted into a script on another host.
            try require(consists(node.short, of: lowercase + digits + "-"), "node \(node.short.debugDescription)")
            try require(!node.short.hasPrefix("-") && !node.short.hasSuffix("-"), "node \(node)")
            try require((1...63).contains(node.short.utf8.count), "a label of \(node.short.utf8.count) bytes")
            try require(node.qualified == "\(node.short).front.lab.test", "qualified as \(node.qualified)")
            try require((try? NodeName(node.qualified, domain: "front.lab.test")) == node, "\(node) is another node")
        } else {
            try require(job.action == .provision, "a destroy without a node")
        }
        try require(["ovh", "other"].contains(job.provider), "provider \(job.provider)")
        try require(!job.owner.isEmpty && job.owner.utf8.count <= 64, "owner \(job.owner)")
        try require(
            consists(job.key, of: lowercase + lowercase.uppercased() + digits + "._-")
                && (1...64).contains(job.key.utf8.count), "key \(job.key.debugDescription)")
        _ = job.expire.map { ($0.description, $0 - envelope.put, $0 > envelope.put) }
        _ = job.order.isNewer(than: JobOrder(put: job.expire ?? envelope.put, key: "another"))
    }

    private static let lowercase = "abcdefghijklmnopqrstuvwxyz"
    private static let digits = "0123456789"

    private static func consists(_ text: String, of letters: String) -> Bool {
        text.utf8.allSatisfy(letters.utf8.contains)
    }

    /// The body as we would write it asks for the same.
    private static func requireLossless(_ job: Job, _ input: [UInt8]) throws {
        guard let tree = try YAML.parse(input, source: "job", limits: .job) else { return }
        let written = Array(YAMLWriter.write(tree).utf8)
        // Aliases written out may make a body too large to be one.
        guard written.count <= YAML.Limits.job.bytes else { return }
        guard case .job(var again) = reader.read(written, envelope) else {
            throw BrokenProperty("written again it is no job:\n\(String(decoding: written, as: UTF8.self))")
        }
        // Without a uuid the key is a digest of the very bytes.
        if job.uuid == nil { again.order = job.order }
        try require(again == job, "written again it asks for something else: \(job) and \(again)")
    }
}
