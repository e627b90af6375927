"""What ops/chaos does once cirrata is built: a storm over a lab of real processes, and the judgement."""
import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lab.beanstalk import Client
from lab.processes import Broken
from lab.terminal import headline, say, seconds_since_start, styled
from storm.deeds import Deeds, Schedule, told
from storm.evidence import Evidence, field
from storm.judge import Judge
from storm.plan import REPLIES, Clear, Lock, Put, plan
from storm.site import DOMAIN, LEASE, Site

# From the end of the storm to rest: a job that was parked before a closed gate comes back within a minute, and may meet
# what is left of planned faults then.
REST = 180


def arguments():
    parser = argparse.ArgumentParser(
        prog="ops/chaos", description="Real beanstalkd, workers and Sandbox under a seeded adversary; ends with 0 only if "
        "every invariant holds. The same seed plans the same jobs and the same acts; real processes keep no exact time, "
        "so what comes of them differs from run to run.")
    parser.add_argument("cirrata", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help="decides jobs and acts; default: a random one, which is printed")
    parser.add_argument("--seconds", type=float, default=60, help="how long the storm lasts (default: 60)")
    parser.add_argument("--jobs", type=int, help="about so many jobs (default: 4 a second)")
    parser.add_argument("--workers", type=int, default=4, help="worker processes (default: 4)")
    parser.add_argument("--gap", type=float, default=0.8, help="seconds between two acts, on average (default: 0.8)")
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs even if all is well")
    given = parser.parse_args()
    if given.seed is None:
        given.seed = random.SystemRandom().randrange(1 << 31)
    given.jobs = given.jobs or int(given.seconds * 4)
    if given.workers < 2 or given.seconds < 10:
        parser.error("a storm takes at least two workers and ten seconds")
    return given


class Storm:
    def __init__(self, site, given, events, acts):
        self.site = site
        self.given = given
        self.acts = acts
        self.evidence = Evidence(site)
        self.schedule = Schedule()
        self.deeds = Deeds(site, self.schedule.later)
        self.kicked = 0
        for event in events:
            self.schedule.at(event.at, lambda event=event: self.happen(event))
        for act in acts:
            self.schedule.at(act.at, lambda act=act: self.deeds.do(act))

    def happen(self, event):
        if isinstance(event, Lock):
            fields = {"locked": event.owner is not None, "locked_by": event.owner, "description": event.description}
            return self.site.control({"do": "set-node", "name": f"{event.node}.{DOMAIN}", "fields": fields})
        if isinstance(event, Clear):
            return self.clear_pool()
        body = event.body
        if event.expire is not None:
            body = body | {"expire": int(time.time() + event.expire)}
        self.put(event, body if isinstance(body, str) else json.dumps(body))

    def put(self, event, text):
        if self.site.beanstalkd.process.poll() is not None:
            # A producer waits for its broker.
            return self.schedule.later(0.2, lambda: self.put(event, text))
        with Client(self.site.beanstalkd.port) as client:
            self.evidence.put(client, event, text.encode())

    def clear_pool(self):
        for node in self.site.sandbox.state()["nodes"]:
            if node["machine_type"] == "pool" and node["locked"] and node["os_type"]:
                name = node["name"].split(".")[0]
                uuid = f"clear-{name}-{len(self.evidence.jobs)}"
                body = {"action": "destroy", "node": name, "owner": node["locked_by"], "unlock": True,
                        "lock_description": node["description"], "reply_to": REPLIES, "uuid": uuid}
                self.put(Put(0, "pool", "destroy", name, "pool", node["locked_by"], uuid, 60, body), json.dumps(body))

    def rage(self):
        for worker in self.site.workers:
            worker.start()
        self.schedule.run(self.given.seconds, self.evidence.collect)

    def calm(self):
        """Everything is healed; then until nothing moves any more, or for too long."""
        self.deeds.heal()
        # What a dead or stopped worker, a claim and a late act still owe.
        self.schedule.entries.clear()
        told("the storm is over, everything is healed")
        began = clear = time.monotonic()
        while time.monotonic() - began < REST:
            self.evidence.collect()
            for worker in self.site.workers:
                worker.start()
            if self.evidence.is_at_rest() and not self.kick_suspects():
                told(f"at rest {time.monotonic() - began:.1f} s later")
                break
            if "cirrata.provision.pool" in self.evidence.waiting and time.monotonic() >= clear:
                # Jobs that claim a node wait for one that nobody gives back any more.
                self.clear_pool()
                clear = time.monotonic() + 10
            time.sleep(0.5)
        else:
            told(f"NOT at rest after {REST} s: {self.evidence.waiting}", "red")
        for worker in self.site.workers:
            worker.drain()
        self.evidence.collect()
        self.evidence.state = self.site.sandbox.state()
        self.evidence.read_broker()

    def kick_suspects(self):
        """Jobs whose workers died again and again are an operator's: now that the cause is gone, they are kicked."""
        self.evidence.read_broker()
        suspects = [
            number for number, stats in self.evidence.buried.items()
            if stats["state"] == "buried" and stats["kicks"] == "0" and any(
                field(report, "id") == str(number) and field(report, "outcome") == "suspect"
                for report in self.evidence.reports)]
        with Client(self.site.beanstalkd.port) as client:
            for number in suspects:
                told(f"job {number} is buried as suspect: kicked")
                self.kicked += client.kick(number)
        return bool(suspects)


def summary(storm, judge, given):
    headline("summary")
    state = storm.evidence.state
    requests = sum(counts["total"] for counts in state["requests"].values())
    faults = sum(counts["faults"] for counts in state["requests"].values())
    holds = [hold for worker in storm.site.workers for hold in worker.holds]
    ends = collections.Counter(hold.how for hold in holds)
    rows = [
        ("storm", f"seed {given.seed}, {given.seconds:.0f} s, {given.workers} workers, {len(storm.evidence.jobs)} jobs"),
        ("acts", ", ".join(f"{count} {kind}" for kind, count in sorted(storm.deeds.counts.items()))),
        ("deliveries", f"{len(holds)}: " + ", ".join(f"{count} {how}" for how, count in ends.most_common() if how)),
        ("outcomes", ", ".join(f"{count} {name}" for name, count in judge.outcomes().most_common())),
        ("requests", f"{requests}, {len(judge.changes)} of them to change something, {faults} answered by a fault"),
        ("cloud", f"{state['servers_created']} servers and {state['volumes_created']} volumes were created, "
         f"{len(judge.servers)} and {len(judge.volumes)} are left, {len(judge.committed)} provisions were committed, "
         f"{len(judge.stuck)} volumes are stuck"),
        ("broker", f"{len(storm.evidence.buried)} jobs buried, {len(storm.evidence.reports)} reports, "
         f"{storm.kicked} suspects kicked"),
        ("sweeps", f"{storm.evidence.sweeps()} ended"),
        ("secrets", f"{len(storm.site.secrets)} passwords and tokens were looked for"),
        ("time", f"{seconds_since_start():.0f} s in all"),
    ]
    for name, text in rows:
        say(f"   {name:11} {text}")


def judge(storm, given):
    verdict = Judge(storm.evidence)
    summary(storm, verdict, given)
    headline("invariants")
    failed = 0
    for name, text, wrong in verdict.verdicts():
        failed += bool(wrong)
        say(f"   {styled('FAIL', 'red') if wrong else styled('PASS', 'green')}  {name}  {text}")
        for line in wrong[:20]:
            say(f"              {line}")
        if len(wrong) > 20:
            say(f"              and {len(wrong) - 20} more")
    wrong = [(worker.name, status) for worker in storm.site.workers for _, status in worker.statuses if status != 0]
    if wrong:
        failed += 1
        say(f"   {styled('FAIL', 'red')}  after SIGTERM a worker did not end with 0: {wrong}")
    dead = [(worker.name, status) for worker in storm.site.workers for _, status in worker.deaths]
    if dead:
        failed += 1
        say(f"   {styled('FAIL', 'red')}  a worker ended by itself: {dead}")
    if not storm.evidence.sweeps():
        failed += 1
        say(f"   {styled('FAIL', 'red')}  no worker has swept")
    return failed


def interrupted(number, frame):
    raise KeyboardInterrupt


def main():
    given = arguments()
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    folder = tempfile.mkdtemp(prefix="cirrata-chaos-")
    events, acts, nodes = plan(given.seed, given.seconds, given.jobs, given.workers, LEASE, given.gap)
    again = (f"ops/chaos --seed {given.seed} --seconds {given.seconds:g} --jobs {given.jobs} --workers {given.workers} "
             f"--gap {given.gap:g}")
    headline(again)
    site = None
    status = 1
    try:
        site = Site(given.cirrata, folder, given.seed, given.workers, nodes)
        say(f"   beanstalkd 127.0.0.1:{site.beanstalkd.port}, sandbox {site.addresses['sandbox']}/sandbox/, folder {folder}")
        storm = Storm(site, given, events, acts)
        storm.rage()
        storm.calm()
        status = 1 if judge(storm, given) else 0
    except KeyboardInterrupt:
        status = 130
    except (Broken, OSError, ValueError, subprocess.SubprocessError) as problem:
        say(f"   {styled('FAIL', 'red')}  {type(problem).__name__}: {problem}")
    finally:
        # A second Ctrl-C must not keep anything from being stopped.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if site is not None:
            site.close()
    say()
    if status in (0, 130) and not given.keep:
        shutil.rmtree(folder)
    if status == 0:
        say(styled(f"PASS: every invariant holds, after {seconds_since_start():.1f} s", "green"))
    elif status == 130:
        say("interrupted: everything was stopped")
    else:
        say(styled(f"FAIL: what happened is in {folder} (the workers' logs, the configurations); the same plan again:", "red"))
        say(f"   {again}")
    return status


if __name__ == "__main__":
    sys.exit(main())
