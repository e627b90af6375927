package import Beanstalk
package import Configuration
import Jobs

extension TubeSettings {
    /// The tube that a job names for its reply. Workers of ours and teuthology's dispatcher take what they find in their
    /// own tubes for something else than a reply.
    /// - Parameter machineTypes: each is a tube of teuthology's dispatcher.
    /// - Throws: `RefusedReplyTube`.
    package func replyTube(_ name: String, machineTypes: [String]) throws(RefusedReplyTube) -> TubeName {
        let tube: TubeName
        do {
            tube = try TubeName(name)
        } catch {
            throw RefusedReplyTube(why: "\(error)")
        }
        let ours = [provision, destroy, reports, workers, sweep]
        if ReplyTube.isOurs(name) || ours.contains(where: { name == $0 || name.hasPrefix("\($0).") }) {
            throw RefusedReplyTube(why: "\(name) is a tube of cirrata's own")
        }
        if tube == .standard || machineTypes.contains(name) {
            throw RefusedReplyTube(why: "\(name) is a tube of teuthology's dispatcher")
        }
        return tube
    }
}

package struct RefusedReplyTube: Error, Sendable, Hashable, CustomStringConvertible {
    package let why: String

    package var description: String { "reply_to: \(why)" }
}
