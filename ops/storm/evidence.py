"""What is known of a storm from the outside: the Sandbox's journal, the broker, the wires, the process list."""
import hashlib
import json
import os
import re
import time

from lab.beanstalk import Client
from storm.plan import REPLIES

TUBES = [f"cirrata.{action}.{provider}" for action in ("provision", "destroy") for provider in ("ovh", "pool")]


class Evidence:
    def __init__(self, site):
        self.site = site
        # Every request that the Sandbox has answered, in its order.
        self.journal = []
        # Every job that was put: {id: Put}, and when.
        self.jobs = {}
        self.put_at = {}
        # Arguments of every process of ours that was ever seen.
        self.arguments = set()
        self.state = None
        self.replies = []
        self.reports = []
        self.buried = {}
        self.waiting = {}

    def put(self, client, put, body):
        job = client.put(f"cirrata.{put.action}.{put.provider}", body, ttr=put.time_to_run)
        self.jobs[job] = put
        self.put_at[job] = time.monotonic()
        put.raw = body
        return job

    def collect(self):
        """What is lost if nobody looks now."""
        while True:
            after = self.journal[-1]["number"] if self.journal else 0
            entries = self.site.sandbox.get(f"requests?after={after}&limit=4000")
            if entries and entries[0]["number"] != after + 1:
                raise AssertionError(f"the journal has a gap after {after}")
            self.journal += entries
            if len(entries) < 4000:
                break
        for worker in self.site.workers:
            if worker.is_alive:
                self.arguments |= set(arguments(worker.process.pid))

    def is_at_rest(self):
        with Client(self.site.beanstalkd.port) as client:
            counts = [client.tube(tube) for tube in TUBES]
        self.waiting = {
            tube: count for tube, count in zip(TUBES, counts) if count["ready"] + count["reserved"] + count["delayed"]}
        return not self.waiting

    def read_broker(self):
        """Replies and reports as they are, and what became of every job."""
        with Client(self.site.beanstalkd.port) as client:
            self.buried = {}
            for job in self.jobs:
                stats = client.stats(f"stats-job {job}")
                if stats is not None:
                    self.buried[job] = stats
        with Client(self.site.beanstalkd.port) as client:
            self.replies = [body.decode() for _, body in client.read(REPLIES)]
        with Client(self.site.beanstalkd.port) as client:
            self.reports = [body.decode() for _, body in client.read("cirrata.reports")]

    def key(self, job):
        """What identifies the job's work: its uuid, or what was made of body and id."""
        put = self.jobs[job]
        return put.uuid or "d-" + hashlib.sha256(put.raw + f":{job}".encode()).hexdigest()[:32]

    def sweeps(self):
        """How many sweeps the workers' logs say have ended."""
        return sum(text.count('"swept: ') for _, text in self.logs())

    def logs(self):
        """(name, text) of everything that was written into the folder, configurations excepted."""
        for name in sorted(os.listdir(self.site.folder)):
            if name.endswith(".log"):
                with open(f"{self.site.folder}/{name}", errors="replace") as file:
                    yield name, file.read()


def arguments(process):
    """The command lines of a process and its children."""
    todo = [process]
    while todo:
        number = todo.pop()
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                yield file.read().replace(b"\0", b" ").decode(errors="replace")
            with open(f"/proc/{number}/task/{number}/children") as file:
                todo += [int(text) for text in file.read().split()]
        except OSError:
            continue


def field(document, name, default=""):
    """A top-level field of the flat part of one of our YAML documents, without a YAML library."""
    match = re.search(rf"(?m)^{re.escape(name)}: ?(.*)$", document)
    if not match:
        return default
    text = match[1].strip()
    if text.startswith('"'):
        return json.loads(text)
    return text[1:-1].replace("''", "'") if text.startswith("'") else text
