"""What a storm will do, decided by its seed before anything runs: which jobs are put when, and what goes wrong when.

Real processes keep no exact time, so the same seed gives the same plan, not the same run.
"""
import dataclasses
import json
import random

OWNERS = ("anna@lab", "bert@lab", "scheduled_carl@teuthology")
VOLUMES = (0, 0, 0, 1, 1, 3)
# Reserved jobs are given back by a broker only after this; below the lease it shortens that. 10 s is the shortest allowed.
TIMES_TO_RUN = (10, 12, 60, 300)
REPLIES = "storm-replies"
# Bodies of test runs carry secrets under keys that are none of ours: no log, reply or report may show them.
BODY_SECRET = "s3cr3t-of-a-test-run"


@dataclasses.dataclass
class Put:
    """A job."""

    at: float
    kind: str
    action: str
    # The short name; None: one is to be claimed.
    node: str | None
    provider: str
    owner: str
    uuid: str | None
    time_to_run: int
    body: dict | str
    # Seconds after its put; written into the body when it is put.
    expire: float | None = None


@dataclasses.dataclass
class Lock:
    """What teuthology's dispatcher, or an operator, does to a node: locks it, or with owner None unlocks it."""

    at: float
    node: str
    owner: str | None
    description: str | None


@dataclasses.dataclass
class Clear:
    """Destroys whatever the pool of claimed nodes holds by then."""

    at: float


@dataclasses.dataclass
class Act:
    """One thing that goes wrong. `lasts`: until it is put right again."""

    at: float
    kind: str
    lasts: float = 0.0
    worker: int = 0
    detail: dict = dataclasses.field(default_factory=dict)

    def __str__(self):
        return " ".join([self.kind, *(f"{key}={value}" for key, value in self.detail.items())])


class Jobs:
    """Little stories of one node each, until there are enough jobs."""

    STORIES = {
        "life": 8, "stay": 5, "quick": 4, "twice": 4, "two-owners": 2, "handover": 2, "lock-it": 4, "pool": 6,
        "expire": 3, "duplicates": 4, "cancel": 4, "rebuild": 4, "without-uuid": 2, "destroy-only": 1,
        "destroy-by-other": 2, "no-image": 1, "too-big": 1, "not-a-vm": 1, "unknown-node": 1, "refused-by-dns": 1,
        "malformed": 1, "wrong-type": 1,
    }

    def __init__(self, rng, seconds, count):
        self.rng = rng
        self.seconds = seconds
        self.events = []
        self.nodes = {"ovh": 0, "bad": 0, "iron": 0}
        self.jobs = 0
        kinds = list(self.STORIES)
        weights = list(self.STORIES.values())
        # Every story once, then by weight.
        todo = kinds.copy()
        rng.shuffle(todo)
        while self.jobs < count:
            kind = todo.pop() if todo else rng.choices(kinds, weights)[0]
            getattr(self, kind.replace("-", "_"))(kind, rng.uniform(0, seconds * 0.85))
        self.events += [Clear(seconds * part) for part in (0.5, 0.9)]

    def node(self, group="ovh"):
        self.nodes[group] += 1
        return f"{group}{self.nodes[group]:03}"

    def owner(self):
        return self.rng.choice(OWNERS)

    def description(self, node):
        return f"run/{node}"

    def lock(self, at, node, owner):
        self.events.append(Lock(at, node, owner, self.description(node)))

    def unlock(self, at, node):
        self.events.append(Lock(at, node, None, None))

    def put(self, at, kind, action, node, owner, provider="ovh", uuid="", expire=None, **more):
        self.jobs += 1
        if uuid == "":
            uuid = f"{self.jobs:04}-{kind}"
        body = {"action": action, "owner": owner, "reply_to": REPLIES} | more
        if node:
            body |= {"node": node, "lock_description": self.description(node)}
        if uuid:
            body["uuid"] = uuid
        else:
            # Identical bodies are two jobs; ours stay apart for the judge's sake.
            body["name"] = f"run-{self.jobs}"
        if self.rng.random() < 0.3:
            body["storage_key"] = BODY_SECRET
        if action == "provision" and "volumes" not in body:
            count = self.rng.choice(VOLUMES)
            if count:
                body["volumes"] = {"count": count, "size": 10}
        self.events.append(
            Put(at, kind, action, node, provider, owner, uuid, self.rng.choice(TIMES_TO_RUN), body, expire))
        return uuid

    def later(self, at, least, most):
        return at + self.rng.uniform(least, most)

    # The stories.

    def life(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner)
        self.put(self.later(at, 3, 12), kind, "destroy", node, owner, unlock=True)

    def stay(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner)

    def quick(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner)
        self.put(self.later(at, 0, 2), kind, "destroy", node, owner, unlock=self.rng.random() < 0.5)

    def twice(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner)
        self.put(self.later(at, 0, 5), kind, "provision", node, owner)

    def two_owners(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner)
        self.put(self.later(at, 0, 3), kind, "provision", node, "mallory@lab")

    def handover(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner)
        then = self.later(at, 0.5, 6)
        self.lock(then, node, "dora@lab")
        self.put(then, kind, "provision", node, "dora@lab")

    def lock_it(self, kind, at):
        node, owner = self.node(), self.owner()
        self.put(at, kind, "provision", node, owner, lock=True)
        if self.rng.random() < 0.5:
            self.put(self.later(at, 1, 8), kind, "destroy", node, owner, unlock=True)

    def pool(self, kind, at):
        self.put(at, kind, "provision", None, self.rng.choice(OWNERS[:2]), provider="pool", lock=True)

    def expire(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner, expire=self.rng.choice((1, 3, 6, 10)))

    def duplicates(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        uuid = self.put(at, kind, "provision", node, owner, volumes={"count": 1, "size": 10})
        for _ in range(self.rng.choice((1, 2))):
            self.put(
                self.later(at, 0, 8), kind, "provision", node, owner, uuid=uuid, volumes={"count": 1, "size": 10})

    def cancel(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner)
        self.unlock(self.later(at, 0.3, 6), node)

    def rebuild(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner)
        at = self.later(at, 2, 6)
        self.put(at, kind, "destroy", node, owner)
        self.put(self.later(at, 0.5, 4), kind, "provision", node, owner)

    def without_uuid(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner, uuid=None)

    def destroy_only(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "destroy", node, owner, unlock=True)

    def destroy_by_other(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner)
        self.put(self.later(at, 0, 6), kind, "destroy", node, "mallory@lab", unlock=True)

    # Jobs that can never work.

    def no_image(self, kind, at):
        self.put(at, kind, "provision", self.node(), self.owner(), lock=True, os_type="ubuntu", os_version="99.99")

    def too_big(self, kind, at):
        self.put(at, kind, "provision", self.node(), self.owner(), lock=True, machine={"ram": 99_000_000})

    def not_a_vm(self, kind, at):
        node, owner = self.node("iron"), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner)

    def unknown_node(self, kind, at):
        self.put(at, kind, "provision", f"ghost{self.jobs:03}", self.owner(), lock=True)

    def refused_by_dns(self, kind, at):
        self.put(at, kind, "provision", self.node("bad"), self.owner(), lock=True)

    def malformed(self, kind, at):
        self.jobs += 1
        text, uuid = "{action: provision, node: [ovh001, owner: anna@lab", None
        if self.rng.random() < 0.7:
            uuid = f"{self.jobs:04}-{kind}"
            text = json.dumps({
                "action": "provision", "node": "ovh001; rm -rf /", "owner": "anna@lab", "reply_to": REPLIES, "uuid": uuid})
        self.events.append(Put(at, kind, "provision", None, "ovh", "anna@lab", uuid, 60, text))

    def wrong_type(self, kind, at):
        node, owner = self.node(), self.owner()
        self.lock(at, node, owner)
        self.put(at, kind, "provision", node, owner, provider="pool")


SERVICES = ("identity", "compute", "compute", "compute", "image", "network", "volume", "volume", "paddles", "paddles", "nsupdate")


class Adversary:
    """One act after another, `gap` seconds apart on average."""

    KINDS = {
        "kill-worker": 10, "stop-worker": 4, "pause-worker": 3, "drain-worker": 4, "kill-beanstalkd": 4,
        "cut-broker": 6, "cut-web": 5, "slow-broker": 2, "slow-web": 3, "freeze-broker": 3, "freeze-web": 3,
        "half-open-broker": 3, "answer": 16, "hide-effect": 8, "quota": 3, "server-fault": 5, "volume-fault": 5,
        "revoke-tokens": 2, "paddles-trouble": 3, "nsupdate-trouble": 3, "dns-trouble": 1,
    }

    def __init__(self, rng, seconds, workers, lease, gap):
        self.rng = rng
        self.workers = workers
        self.lease = lease
        self.acts = []
        kinds = list(self.KINDS)
        weights = list(self.KINDS.values())
        # The longest ones early and for certain, so that a short storm has them too.
        self.acts.append(self.act("stop-worker", rng.uniform(3, 5)))
        self.acts.append(self.act("kill-beanstalkd", rng.uniform(5, 9)))
        at = 1.0
        while (at := at + rng.expovariate(1 / gap)) < seconds:
            self.acts.append(self.act(rng.choices(kinds, weights)[0], at))
        self.acts.sort(key=lambda act: act.at)

    def act(self, kind, at):
        rng = self.rng
        worker = rng.randrange(self.workers)
        lasts, detail = 0.0, {}
        if kind in ("kill-worker", "drain-worker"):
            lasts = rng.uniform(0.1, 2)
        elif kind == "stop-worker":
            # Its connections to the broker end some time after it was stopped, as the keep-alive of a broker's host
            # does it: beanstalkd 1.12 forgets the end of a touched job's time while the holder is silent.
            lasts = self.lease + rng.uniform(2, 6)
            detail = {"cut_after": round(rng.uniform(0, self.lease * 0.8), 1)}
        elif kind == "pause-worker":
            lasts = rng.uniform(0.5, self.lease * 0.8)
        elif kind == "kill-beanstalkd":
            lasts = rng.uniform(0.1, 2)
        elif kind in ("cut-broker", "cut-web"):
            lasts = rng.choice((0, 0, rng.uniform(0.2, 3)))
            detail = {"how": rng.choice(("reset", "close"))}
        elif kind in ("slow-broker", "slow-web"):
            lasts = rng.uniform(1, 6)
            detail = {"by": round(rng.uniform(0.02, 0.4), 2)}
        elif kind == "freeze-broker":
            lasts = rng.choice((rng.uniform(0.5, 3), self.lease + rng.uniform(0, 3)))
        elif kind == "freeze-web":
            # Shorter than a boot: a request that arrives when its job is long finished is the sweeper's business.
            lasts = rng.uniform(0.3, 1.5)
        elif kind == "answer":
            lasts = rng.uniform(0.5, 4)
            detail = {"service": rng.choice(SERVICES), "probability": rng.choice((0.2, 0.5, 1.0))}
            detail |= rng.choice((
                {"status": 503}, {"status": 503, "retry_after": 1}, {"status": 500}, {"status": 502},
                {"status": 429, "retry_after": 1}, {"wire": "reset"}, {"wire": "close"}, {"wire": "stall"}))
        elif kind == "hide-effect":
            lasts = rng.uniform(0.5, 4)
            service, methods = rng.choice((
                ("compute", ("POST", "DELETE")), ("volume", ("POST", "DELETE")), ("paddles", ("PUT", "POST")),
                ("nsupdate", ("GET",))))
            detail = {"service": service, "method": rng.choice(methods), "when": "after", "probability": 0.7}
            detail |= rng.choice(({"wire": "reset"}, {"wire": "close"}, {"status": 500}, {"status": 504}))
        elif kind == "quota":
            lasts = rng.uniform(1, 5)
            detail = {rng.choice(("instances", "cores", "volumes", "gigabytes")): 0}
        elif kind == "server-fault":
            detail = {"fault": rng.choice(("spawn-fails", "no-valid-host", "hosts-exhausted", "destroy-fails")),
                      "times": rng.choice((1, 1, 2))}
        elif kind == "volume-fault":
            detail = {"fault": rng.choice(("create-fails", "attach-fails", "delete-fails")), "times": 1}
        elif kind == "paddles-trouble":
            detail = {"database_errors": rng.choice((1, 2, 5))}
        elif kind == "nsupdate-trouble":
            lasts = rng.uniform(1, 4)
            detail = {"trouble": rng.choice(("timeout-applied", "silent-failure", "name-server-down", "warning"))}
        elif kind == "dns-trouble":
            lasts = rng.uniform(0.5, 3)
            detail = {"trouble": rng.choice(("silent", "servfail"))}
        return Act(round(at, 2), kind, round(lasts, 2), worker, detail)


def plan(seed, seconds, jobs, workers, lease, gap):
    """Returns (events, acts, the number of nodes of each group)."""
    story = Jobs(random.Random(f"{seed} jobs"), seconds, jobs)
    adversary = Adversary(random.Random(f"{seed} acts"), seconds, workers, lease, gap)
    return sorted(story.events, key=lambda event: event.at), adversary.acts, story.nodes
