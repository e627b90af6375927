import Configuration
import Jobs
import World
import YAMLKit

/// A job's body in a file.
struct JobFile {
    let job: Job

    /// - Throws: `Complaint` with everything that is wrong, each with its place.
    init(path: String, bytes: [UInt8], _ configuration: SiteConfiguration, now: Timestamp) throws {
        let names = configuration.providers.map(\.name)
        let envelope = Envelope(
            jobID: 0, put: Timestamp(seconds: now.microseconds / 1_000_000),
            tubeProvider: names.count == 1 ? names[0] : nil, tubeAction: nil)
        switch JobBody(labDomain: configuration.labDomain, providers: names).read(bytes, envelope) {
        case .job(let job):
            self.job = job
        case .foreign(let why):
            throw Complaint("\(path): \(why)")
        case .malformed(let problems, _):
            throw Complaint(
                lines: problems.map { problem in
                    var problem = problem
                    problem.source = path
                    return problem.description
                }, .failed)
        }
    }
}
