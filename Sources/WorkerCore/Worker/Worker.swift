package import Beanstalk
import Jobs
package import Pipelines
package import Provisioning
import Resilience
package import World

/// A worker process: slots that take jobs from the broker, run them and settle them, until it is drained.
package final class Worker: Sendable {
    /// Raise it to stop: no new job and no new mutating request; what is in flight is awaited for the grace time.
    package let drain = Signal<Void>()
    package let name: String

    private let settings: WorkerSettings
    private let broker: Broker
    private let provisioner: Provisioner
    private let sinks: [any EventSink]
    private let world: World
    private let notice: @Sendable (WorkerNotice) -> Void
    private let holdings = Holdings()
    private let ledgers: Ledgers
    private let foreign: ForeignJobs
    private let settler: Settler
    private let receptionist: Receptionist
    /// Shorter than any step's time-out, so that a job before a closed gate is parked rather than tried again.
    private static let parkAfter = Duration.seconds(20)
    /// The grace time is over: running steps are cut off.
    private let cutOff = Signal<Void>()

    /// - Parameters:
    ///   - sinks: told of every event of every job.
    ///   - notice: told of everything else.
    package init(
        settings: WorkerSettings, broker: Broker, provisioner: Provisioner, sinks: [any EventSink], world: World,
        notice: @escaping @Sendable (WorkerNotice) -> Void
    ) {
        self.settings = settings
        self.broker = broker
        self.provisioner = provisioner
        self.sinks = sinks + [holdings]
        self.world = world
        self.notice = notice
        name = "\(world.host.name)/\(world.host.process)"
        ledgers = Ledgers(settings)
        foreign = ForeignJobs(policy: settings.delays, time: world.time, notice: notice)
        settler = Settler(
            policy: settings.delays, tubes: settings.tubes, worker: name,
            reportBytes: settings.reportBytes, reportCount: settings.reportCount, drain: drain, world: world,
            notice: notice)
        receptionist = Receptionist(
            tubes: settings.tubes,
            body: JobBody(labDomain: provisioner.site.labDomain, providers: provisioner.site.names),
            time: world.time)
    }

    /// Runs until drained; returns when every job that was held is settled or given back.
    package func run() async {
        let tubes = settings.tubes.pairs.flatMap { [$0.provision.text, $0.destroy.text] }
        notice(.started(slots: settings.slots, destroySlots: settings.destroySlots, tubes: tubes))
        // Seats apart, so that destroys are taken even while every other slot is busy and waits for capacity.
        let destroySeats = settings.destroySlots > 0 ? 1 : 0
        let anyRoom = WaitingRoom(seats: max(1, settings.waitingConnections - destroySeats))
        let destroyRoom = WaitingRoom(seats: 1)
        let presence = PresenceKeeper(
            broker: broker, tubes: settings.tubes, holdings: holdings, ledgers: ledgers, slots: settings.slots,
            release: settings.release, drain: drain, world: world, notice: notice)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await presence.run() }
            group.addTask { await self.provisioner.site.knock() }
            group.addTask { await self.watchDrain() }
            if let duty = self.sweepDuty { group.addTask { await duty.run() } }
            await withTaskGroup(of: Void.self) { slots in
                for index in 0..<settings.slots {
                    let slot =
                        index < settings.destroySlots
                        ? slot(.destroyOnly, destroyRoom) : slot(.any, anyRoom)
                    slots.addTask { await slot.run() }
                }
                await slots.waitForAll()
            }
            group.cancelAll()
        }
        notice(.stopped)
    }

    private var sweepDuty: SweepDuty? {
        settings.sweep.map { sweep in
            SweepDuty(
                broker: broker, tubes: sweep.tubes,
                sweeper: Sweeper(site: provisioner.site, broker: broker, tubes: sweep.tubes, sinks: sinks),
                interval: sweep.interval, lease: settings.lease, name: name, drain: drain, world: world, notice: notice)
        }
    }

    private func watchDrain() async {
        do {
            try await drain.wait()
            notice(.draining(jobs: holdings.all.count))
            try await world.time.sleep(for: settings.drainGrace)
            cutOff.raise(())
        } catch {
            return
        }
    }

    private func slot(_ kind: Slot.Kind, _ room: WaitingRoom) -> Slot {
        Slot(
            kind: kind, broker: broker, room: room, tubes: settings.tubes, lease: settings.lease, drain: drain,
            world: world, notice: notice, openProviders: { self.provisioner.site.openProviders },
            takesProvisions: takesProvisions,
            handle: { token, connection in try await self.handle(token, connection) })
    }
}

// MARK: - One delivery

extension Worker {
    private func handle(_ token: consuming SettleToken, _ connection: Connection) async throws -> QueuedJob? {
        let delivery = token.delivery
        let began = world.time.wallClock
        switch receptionist.take(delivery, by: await brokerRun(connection)) {
        case .foreign(let why):
            await settler.settle(token, as: foreign.end(of: delivery.statistics, why: why), on: connection)
            // What is put back with a delay while the broker has no room for it would be in limbo.
            guard await settler.whyNoRecordFits(connection) == nil else { return nil }
            return try await foreign.pass(connection, unless: drain)
        case .refuse(let outcome, let stub):
            let tag = JobTag(
                key: stub.key, action: stub.action, node: stub.node, provider: stub.provider,
                jobID: delivery.id.number, run: stub.run)
            let journal = Journal(job: tag, time: world.time, sinks: sinks)
            journal.record(.ended(outcome, took: .zero))
            let ended = Ended(
                outcome: outcome, tag: tag, stub: stub, facts: nil, events: journal.records, began: began)
            await settler.settle(token, ended, on: connection)
        case .work(let job):
            let tag = JobTag(
                key: job.key, action: job.action.rawValue, node: job.node?.short ?? "", provider: job.provider,
                jobID: delivery.id.number, run: job.run)
            let journal = Journal(job: tag, time: world.time, sinks: sinks)
            holdings.took(tag, at: began)
            defer { holdings.gave(tag.jobID) }
            let started = world.time.now
            let life = Verdicts.Life(
                jobID: delivery.id.number, key: job.key, kicks: delivery.statistics.kicks)
            let before = ledgers.verdict(on: life)?.story ?? []
            let (outcome, facts) = await work(job, delivery, token.lease, connection, journal)
            journal.record(.ended(outcome, took: world.time.now - started))
            // That something could be destroyed does not say that anything can be built.
            if outcome.kind == .done, job.action == .provision, ledgers.release(job.provider) {
                notice(.brakeReleased(provider: job.provider, why: "a provision succeeded"))
            }
            let events = journal.records
            let ended = Ended(
                outcome: outcome, tag: tag, stub: JobStub(job), facts: facts, events: before + events, began: began)
            if await settler.settle(token, ended, on: connection), outcome.kind.isFinal {
                ledgers.settled(life)
            } else {
                ledgers.unsettled(life, events)
            }
        }
        return nil
    }

    /// Which run of the broker this is. Without an answer the order of jobs is by their put times.
    private func brokerRun(_ connection: Connection) async -> String {
        do {
            return try await connection.statistics().id
        } catch {
            return ""
        }
    }

    /// After too many burials a provider gets no new servers for a while; destroys go on.
    private func takesProvisions(_ provider: String) -> Bool {
        !ledgers.rests(provider, now: world.time.now)
    }

    private enum WorkEnd: Sendable {
        case outcome(Outcome)
        case lost(LeaseLoss)
        case cutOff
        case helperEnded
    }

    /// Runs the job while its lease is kept. A lost lease cancels everything, removal too.
    private func work(
        _ job: Job, _ delivery: Delivery, _ lease: Lease, _ connection: Connection, _ journal: Journal
    ) async -> (Outcome, ReplyFacts?) {
        let right = Right(fence: LeaseFence(lease: lease), drain: drain, parkAfter: Self.parkAfter)
        let receptionist = receptionist
        let assignment = Assignment(
            job: job, right: right, journal: journal, began: world.time.now,
            isLivingTwin: { try await receptionist.isLiving($0, as: job.key, connection) })
        guard let work = provisioner.work(assignment) else {
            return (Outcome(.parked, cause: "unknown-provider", message: "\(job.provider) is not configured"), nil)
        }
        let run = JobRun(
            work: work, job: job, statistics: delivery.statistics,
            life: Verdicts.Life(jobID: delivery.id.number, key: job.key, kicks: delivery.statistics.kicks),
            journal: journal, ledgers: ledgers, time: world.time, notice: notice)
        let cutOff = cutOff
        let outcome = await withTaskGroup(of: WorkEnd.self) { group in
            group.addTask {
                await lease.keep()
                return .helperEnded
            }
            group.addTask {
                do { return .lost(try await lease.lost.wait()) } catch { return .helperEnded }
            }
            group.addTask {
                do { try await cutOff.wait() } catch { return .helperEnded }
                return .cutOff
            }
            group.addTask { .outcome(await run.outcome()) }
            var wasCut = false
            var loss: LeaseLoss?
            var result: Outcome?
            for await end in group {
                switch end {
                case .outcome(let outcome): result = outcome
                case .lost(let reason): loss = loss ?? reason
                case .cutOff: wasCut = true
                case .helperEnded: continue
                }
                group.cancelAll()
            }
            if let loss { return Outcome(.leaseLost, message: "\(loss)") }
            guard let result else { return Outcome(.leaseLost, message: "the work ended without an outcome") }
            guard wasCut, result.kind == .leaseLost else { return result }
            return Outcome(
                .drain, step: result.step, message: "cut off: the grace time is over",
                delay: settings.delays.cutOffDelay)
        }
        return (outcome, work.reply)
    }
}
