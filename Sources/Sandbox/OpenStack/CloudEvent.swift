import HeapModule
import OrderedCollections
package import World

/// Something that happens later, unless what it is about has changed meanwhile.
struct CloudEvent: Sendable, Comparable {
    enum Kind: Sendable {
        case server(ServerStep, String, generation: Int)
        case volume(VolumeStep, String, generation: Int)
    }

    enum ServerStep: Sendable {
        case scheduled, networking, mapping, spawning, plugged, spawned, addressed, actionDone, unplugged, deleted, gone
        case forgotten, vanish, putAside, reclaimed
        case broken(String)
    }

    enum VolumeStep: Sendable {
        case scheduled, created, attaching, attached, attachUndone, detached, deleted, vanish
    }

    let time: Timestamp
    /// Events of one time happen in the order in which they were posted.
    let sequence: UInt64
    let kind: Kind

    static func < (a: CloudEvent, b: CloudEvent) -> Bool {
        a.time == b.time ? a.sequence < b.sequence : a.time < b.time
    }

    static func == (a: CloudEvent, b: CloudEvent) -> Bool { a.sequence == b.sequence }
}

extension OpenStackCloud {
    /// Does everything that has happened by itself until then.
    package mutating func advance(to now: Timestamp) {
        while let next = events.min, next.time <= now {
            events.removeMin()
            switch next.kind {
            case .server(let step, let id, let generation):
                if servers[id]?.generation == generation { advanceServer(id, step, at: next.time) }
            case .volume(let step, let id, let generation):
                if volumes[id]?.generation == generation { advanceVolume(id, step, at: next.time) }
            }
        }
    }

    /// When the next thing happens by itself; nil: nothing will.
    package var nextEvent: Timestamp? { events.min?.time }

    mutating func post(_ step: CloudEvent.ServerStep, server id: String, at time: Timestamp, after delay: Duration) {
        guard let generation = servers[id]?.generation else { return }
        post(.server(step, id, generation: generation), at: time, after: delay)
    }

    mutating func post(_ step: CloudEvent.VolumeStep, volume id: String, at time: Timestamp, after delay: Duration) {
        guard let generation = volumes[id]?.generation else { return }
        post(.volume(step, id, generation: generation), at: time, after: delay)
    }

    private mutating func post(_ kind: CloudEvent.Kind, at time: Timestamp, after delay: Duration) {
        eventsPosted += 1
        let delay = random.jittered(delay, part: timings.jitter)
        events.insert(CloudEvent(time: time + delay, sequence: eventsPosted, kind: kind))
    }
}
