"""What the adversary does when its time has come, and how each deed is undone."""
import time

from lab.terminal import say, seconds_since_start, styled
from storm.site import ROOM


def told(text, style=None):
    line = f"   {seconds_since_start():6.1f} s  {text}"
    say(styled(line, style) if style else line)


class Deeds:
    """`later(seconds, function)` is how things are undone; `heal` undoes everything at once."""

    def __init__(self, site, later):
        self.site = site
        self.later = later
        self.counts = {}

    def do(self, act):
        worker = self.site.workers[act.worker]
        skipped = getattr(self, act.kind.replace("-", "_"))(act, worker)
        if skipped:
            return told(f"{act}: left out, {skipped}", "dim")
        self.counts[act.kind] = self.counts.get(act.kind, 0) + 1
        concerns = f" {worker.name}" if act.kind.rsplit("-", 1)[-1] in ("worker", "broker", "web") else ""
        told(f"{act}{concerns}" + (f", for {act.lasts:.1f} s" if act.lasts else ""))

    def heal(self):
        for worker in self.site.workers:
            worker.wake()
            for link in (worker.broker, worker.web):
                self.mend(link)
        if self.site.beanstalkd.process.poll() is not None:
            self.site.beanstalkd.start()
        self.site.sandbox.delete("faults")
        self.site.control(
            {"do": "quotas", "quotas": ROOM}, {"do": "paddles"}, {"do": "nsupdate"}, {"do": "dns"})
        for worker in self.site.workers:
            worker.start()

    def mend(self, link):
        for undo, argument in ((link.set_refuses, False), (link.set_delay, 0.0)):
            self.site.proxies.call(undo, argument)
        self.site.proxies.call(link.thaw)

    # Processes.

    def kill_worker(self, act, worker):
        if not worker.is_alive:
            return "it is dead already"
        worker.kill()
        self.later(act.lasts, worker.start)

    def stop_worker(self, act, worker):
        if not worker.is_alive or worker.stopped_since is not None:
            return "it does not run"
        if sum(other.stopped_since is not None for other in self.site.workers) + 1 >= len(self.site.workers):
            return "somebody must work"
        process = worker.process
        worker.stop()
        if "cut_after" in act.detail:
            self.later(act.detail["cut_after"], lambda: self.site.proxies.call(worker.broker.cut_service_side))
        # Not what was started since.
        self.later(act.lasts, lambda: worker.wake() if worker.process is process else None)

    pause_worker = stop_worker

    def drain_worker(self, act, worker):
        if not worker.is_alive or worker.stopped_since is not None:
            return "it does not run"
        worker.drain()
        self.later(act.lasts, worker.start)

    def kill_beanstalkd(self, act, _):
        if self.site.beanstalkd.process.poll() is not None:
            return "it is dead already"
        self.site.beanstalkd.kill()
        self.later(act.lasts, self.site.beanstalkd.start)

    # Wires.

    def cut(self, act, link):
        self.site.proxies.call(link.cut, act.detail["how"] == "reset")
        if act.lasts:
            self.site.proxies.call(link.set_refuses, True)
            self.later(act.lasts, lambda: self.site.proxies.call(link.set_refuses, False))

    def slow(self, act, link):
        self.site.proxies.call(link.set_delay, act.detail["by"])
        self.later(act.lasts, lambda: self.site.proxies.call(link.set_delay, 0.0))

    def freeze(self, act, link):
        self.site.proxies.call(link.freeze)
        self.later(act.lasts, lambda: self.site.proxies.call(link.thaw))

    def cut_broker(self, act, worker):
        self.cut(act, worker.broker)

    def cut_web(self, act, worker):
        self.cut(act, worker.web)

    def slow_broker(self, act, worker):
        self.slow(act, worker.broker)

    def slow_web(self, act, worker):
        self.slow(act, worker.web)

    def freeze_broker(self, act, worker):
        self.freeze(act, worker.broker)

    def freeze_web(self, act, worker):
        self.freeze(act, worker.web)

    def half_open_broker(self, act, worker):
        self.site.proxies.call(worker.broker.cut_service_side)

    # Services.

    def answer(self, act, _):
        rule = {name: value for name, value in act.detail.items() if value is not None}
        number = self.site.sandbox.post("faults", rule)["ids"][0]
        self.later(act.lasts, lambda: self.site.sandbox.delete(f"faults/{number}"))

    hide_effect = answer

    def quota(self, act, _):
        self.site.control({"do": "quotas", "quotas": ROOM | act.detail})
        self.later(act.lasts, lambda: self.site.control({"do": "quotas", "quotas": ROOM}))

    def server_fault(self, act, _):
        self.site.control({"do": "server-fault"} | act.detail)

    def volume_fault(self, act, _):
        self.site.control({"do": "volume-fault"} | act.detail)

    def revoke_tokens(self, act, _):
        self.site.control({"do": "revoke-tokens"})

    def paddles_trouble(self, act, _):
        self.site.control({"do": "paddles"} | act.detail)

    def nsupdate_trouble(self, act, _):
        self.site.control({"do": "nsupdate"} | act.detail)
        self.later(act.lasts, lambda: self.site.control({"do": "nsupdate"}))

    def dns_trouble(self, act, _):
        self.site.control({"do": "dns"} | act.detail)
        self.later(act.lasts, lambda: self.site.control({"do": "dns"}))


class Schedule:
    """Deeds, jobs and their undoing on one thread, in the order of their times."""

    def __init__(self):
        self.began = time.monotonic()
        self.entries = []
        self.number = 0

    def at(self, moment, function):
        self.number += 1
        self.entries.append((self.began + moment, self.number, function))

    def later(self, seconds, function):
        self.at(time.monotonic() - self.began + seconds, function)

    def run(self, seconds, regularly):
        """Runs until `seconds` are over; what is due later is left. `regularly` is called about twice a second."""
        end = self.began + seconds
        look = time.monotonic()
        while (now := time.monotonic()) < end:
            self.entries.sort()
            if self.entries and self.entries[0][0] <= now:
                self.entries.pop(0)[2]()
                continue
            if now >= look:
                regularly()
                look = time.monotonic() + 0.5
                continue
            due = min(end, look, self.entries[0][0] if self.entries else end)
            time.sleep(max(0, min(due - time.monotonic(), 0.5)))
