"""The Sandbox's journal, read with the wires beside it: who changed what of which node, with what right."""
import collections
import dataclasses
import json
import re

from storm.site import DOMAIN, LEASE

# Our own clocks: the proxies read the wires one after another, on a machine with other work.
HASTE = 0.25
# A worker that can know that its connection is gone still has to notice it.
NOTICE = 1.0
NODE = re.compile(r"^[a-z]+[0-9]+$")


@dataclasses.dataclass
class Change:
    """A request that wanted to change something."""

    number: int
    method: str
    service: str
    path: str
    asked: object
    # Whether the service did what was asked.
    worked: bool
    made: str | None
    peer: str
    # When it left which worker; None: unknown.
    worker: object = None
    at: float = 0.0
    node: str | None = None
    # Of the resource concerned: whose it is, by its metadata.
    key: str | None = None
    job: int | None = None
    resource: str | None = None

    def __str__(self):
        return f"#{self.number} {self.method} {self.service}{self.path}"


def read(evidence):
    """Every change of the journal, with the worker that sent it and the node that it is about."""
    changes = [
        Change(
            entry["number"], entry["method"], entry["service"], entry["path"], entry["change"]["asked"],
            entry["change"]["served"] and 200 <= (entry["change"]["status"] or 200) < 300,
            entry["change"]["id"], entry["peer"])
        for entry in evidence.journal if entry["change"] and not is_ping(entry)]
    attribute(changes, evidence)
    describe(changes)
    return changes


def is_ping(entry):
    """A question to nsupdate-web that names no host is refused, and asked to see whether it answers at all."""
    return entry["service"] == "nsupdate" and "name=" not in entry["path"]


def attribute(changes, evidence):
    """A connection's requests stand in the journal in their order, but for those that were lost on the way."""
    sent = {}
    for worker in evidence.site.workers:
        for port, reader in worker.web.history:
            sent.setdefault(port, []).extend((worker, *request) for request in reader.requests)
    for requests in sent.values():
        requests.sort(key=lambda request: request[1])
    done = collections.Counter()
    by_number = {change.number: change for change in changes}
    for entry in evidence.journal:
        port = int(entry["peer"].rsplit(":", 1)[1])
        requests = sent.get(port, [])
        wanted = (entry["method"], f"/{entry['service']}{entry['path']}")
        for index in range(done[port], len(requests)):
            worker, at, method, target = requests[index]
            if (method, target) == wanted:
                done[port] = index + 1
                if entry["number"] in by_number:
                    by_number[entry["number"]].worker = worker
                    by_number[entry["number"]].at = at
                break


def describe(changes):
    made = {}
    for change in changes:
        parts = [part for part in change.path.split("?")[0].split("/") if part]
        if change.service == "paddles":
            change.node = parts[1].split(".")[0] if parts[0] == "nodes" and NODE.match(parts[1].split(".")[0]) else None
            text = (change.asked or {}).get("description") or ""
            change.key = text.removeprefix("cirrata:") if text.startswith("cirrata:") else None
        elif change.service == "nsupdate":
            match = re.search(r"[?&]name=([a-z0-9]+)", change.path)
            change.node = match and match[1]
        else:
            metadata = (change.asked or {}).get("metadata") or {}
            if metadata:
                change.node = metadata.get("cirrata_node")
                change.key = metadata.get("cirrata_key")
                change.job = int(metadata.get("cirrata_job", 0))
            thing = made.get(parts[3] if change.service == "volume" and len(parts) > 3 else parts[2] if len(parts) > 2 else "")
            if change.made and metadata:
                made[change.made] = change
                change.resource = change.made
            elif thing:
                change.node, change.key, change.job, change.resource = thing.node, thing.key, thing.job, thing.resource


class Rights:
    """Which worker might do something for which node at which moment."""

    def __init__(self, evidence, changes):
        self.evidence = evidence
        # {key: nodes} of jobs that named none.
        self.claimed = {}
        for change in changes:
            if change.key and change.node:
                self.claimed.setdefault(change.key, set()).add(change.node)
        for reply in evidence.replies:
            key, node = re.search(r"(?m)^key: (\S+)", reply), re.search(r"(?m)^node: (\S+)", reply)
            if key and node:
                self.claimed.setdefault(key[1], set()).add(node[1].split(".")[0])

    def nodes(self, hold):
        put = self.evidence.jobs.get(hold.job)
        if put is None:
            return set()
        if put.node:
            return {put.node}
        return self.claimed.get(self.evidence.key(hold.job), set())

    def key(self, hold):
        return self.evidence.key(hold.job) if hold.job in self.evidence.jobs else None

    def end(self, worker, hold):
        """Until when the worker could believe that the job is its own."""
        put = self.evidence.jobs[hold.job]
        clock = hold.proved + min(put.time_to_run, LEASE) + HASTE
        if hold.ended is None:
            return clock
        if hold.how == "closed":
            known = hold.ended
            for since, until in worker.stops:
                if since <= known <= until:
                    known = until
            return min(clock, known + NOTICE)
        return min(clock, hold.ended + (NOTICE if hold.how == "not-found" else HASTE))

    def at(self, change):
        """The holds in whose right a change may have been sent."""
        worker = change.worker
        return [
            hold for hold in worker.holds
            if hold.job in self.evidence.jobs and hold.began - HASTE <= change.at <= self.end(worker, hold)
            and (change.node in self.nodes(hold) or self.is_claim(change, hold))]

    def is_claim(self, change, hold):
        return change.node is None and change.key is not None and change.key == self.key(hold)

    def story(self, change):
        """Every hold of that worker for that node, for a person who has to find out what happened."""
        return [
            f"{hold.job} {self.key(hold)} from {hold.began - change.at:+.2f} proved {hold.proved - change.at:+.2f} "
            + (f"{hold.how} {hold.ended - change.at:+.2f}" if hold.ended else "open")
            for hold in change.worker.holds
            if hold.job in self.evidence.jobs and change.node in self.nodes(hold)]


def qualified(node):
    return f"{node}.{DOMAIN}"


def shown(value):
    return json.dumps(value, sort_keys=True)
