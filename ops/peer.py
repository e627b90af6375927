"""What ops/peer does once everything is installed: teuthology's own backend and Cirrata on the same work.

Each cell of the tables has a fresh Sandbox. N nodes are locked and provisioned, then all that became ready are destroyed
and unlocked. Both sides get the same configuration of the cloud; neither waits for ssh, as the Sandbox has no hosts.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request

from lab.log import Log
from lab.processes import Broken, Processes, follow
from lab.services import Beanstalkd, Sandbox, start_sandbox
from lab.terminal import say, seconds_since_start

DOMAIN = "front.lab.test"
OWNER = "peer@lab"
PARKING = "192.0.2.1"
SERVICES = ("identity", "compute", "image", "network", "volume", "paddles", "nsupdate")
BACKEND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "teuthology", "backend.py")
# A side that takes longer hangs. teuthology waits 10 minutes for a server in ERROR and 5 for each request that fails, and
# with the quota three quarters of an hour in all.
LIMIT = 3600

# How each is named in the tables.
SIDES = {
    "dispatcher": "teuthology, as its dispatcher does it",
    "at-once": "teuthology, all at once",
    "cirrata": "Cirrata, one worker",
}
WAYS = {"dispatcher": "one-after-another", "at-once": "at-once"}


class Fault:
    """Something that goes wrong for both sides alike: at the beginning of a cell, or of its destroys."""

    def __init__(self, rules=(), controls=(), settings=None, lasts=None, when="provision"):
        self.rules = list(rules)
        self.controls = list(controls)
        self.settings = settings or {}
        # Seconds from the first strike, after which the rules are lifted.
        self.lasts = lasts
        self.when = when

    def begin(self, sandbox, when, over):
        if when != self.when:
            return
        if self.controls:
            sandbox.post("control", self.controls)
        if self.rules:
            sandbox.post("faults", self.rules)
        if self.lasts is not None:
            threading.Thread(target=self.lift, args=(sandbox, over), daemon=True).start()

    def lift(self, sandbox, over):
        while not any(rule["struck"] for rule in sandbox.get("faults")):
            if over.wait(0.1):
                return
        if not over.wait(self.lasts):
            sandbox.delete("faults")


CREATE = {"service": "compute", "method": "POST", "match": "^/v2.1/servers$"}
ONE_SERVER = {"service": "compute", "match": "^/v2.1/servers/[0-9a-f-]+$"}
FAULTS = {
    "Nova answers 503 for 15 s": Fault([{"service": "compute", "status": 503}], lasts=15),
    "two POST /servers work, but their answers never come": Fault([CREATE | {"wire": "stall", "when": "after", "count": 2}]),
    "after the POST, two questions for a server are answered 503":
        Fault([ONE_SERVER | {"method": "GET", "status": 503, "count": 2}]),
    "one server goes to ERROR":
        Fault(controls=[{"do": "server-fault", "fault": "spawn-fails", "text": "disk full"}]),
    "quota for 20 of 24 volumes": Fault(settings={"quotas": {"volumes": 20}}),
    "two DELETE of a server are answered 503":
        Fault([ONE_SERVER | {"method": "DELETE", "status": 503, "count": 2}], when="destroy"),
}

# Of a volume that will soon have another status.
TRANSIENT = ("creating", "reserved", "attaching", "detaching", "deleting")

Cell = collections.namedtuple("Cell", "side nodes volumes fault")


class Run:
    """One cell: its processes, and what was measured."""

    def __init__(self, given, cell, folder):
        self.given = given
        self.cell = cell
        self.folder = folder
        os.mkdir(folder, 0o700)
        self.processes = Processes(folder)
        self.fault = FAULTS.get(cell.fault, Fault())
        self.over = threading.Event()

    def start_sandbox(self):
        nodes = [{"machine_type": "ovh", "count": self.cell.nodes}]
        settings = {"domain": DOMAIN, "boot": self.given.boot, "nodes": nodes} | self.fault.settings
        addresses = start_sandbox(self.processes, self.given.cirrata, settings)
        self.dns = addresses["dns"]
        self.sandbox = Sandbox(addresses["sandbox"])

    def site(self):
        """The lab as teuthology's configuration says it; both sides read this."""
        root = self.sandbox.root
        endpoints = self.endpoints()
        driver = {
            "username": "cirrata", "password": "secret", "ex_tenant_name": "lab",
            "ex_force_auth_url": f"{root}/identity", "ex_force_auth_version": "3.x_password",
            # Of libcloud's two ways the one that asks Glance, Neutron and Cinder themselves. After its first login
            # teuthology knows no other endpoint than Nova's, so it has to be told the others.
            "api_version": "2.2", "ex_force_image_url": endpoints["image"],
            "ex_force_network_url": endpoints["network"], "ex_force_volume_url": endpoints["volumev3"],
        }
        return {
            "lab_domain": DOMAIN, "lock_server": f"{root}/paddles/", "results_server": f"{root}/paddles/",
            "nsupdate_url": f"{root}/nsupdate/update",
            "libcloud": {"providers": {"ovh": {
                "driver": "openstack", "driver_args": driver, "allow_networks": ["Ext-Net$"]}}},
        }

    def endpoints(self):
        """{type: URL} as the catalog says them."""
        body = {"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "cirrata", "domain": {"name": "Default"}, "password": "secret"}}},
            "scope": {"project": {"name": "lab", "domain": {"name": "Default"}}}}}
        request = urllib.request.Request(
            f"{self.sandbox.root}/identity/v3/auth/tokens", data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            catalog = json.load(answer)["token"]["catalog"]
        return {service["type"]: next(end["url"] for end in service["endpoints"] if end["interface"] == "public")
                for service in catalog}

    def write(self, name, document):
        """JSON is YAML."""
        path = f"{self.folder}/{name}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file, indent=1)
        return path

    def counts(self):
        requests = self.sandbox.state()["requests"]
        return {service: requests[service]["total"] for service in SERVICES}

    def measure(self):
        self.start_sandbox()
        site = self.site()
        # Ours were those so far.
        before = self.counts()
        side = Cirrata(self, site) if self.cell.side == "cirrata" else Teuthology(self, site)
        self.fault.begin(self.sandbox, "provision", self.over)
        began = time.monotonic()
        ready = side.provision()
        # `first`: before teuthology asks again for what is missing; Cirrata's jobs go on by themselves.
        first = len(ready) if side.first is None else side.first
        result = {"settled": time.monotonic() - began, "ready": len(ready), "first": first}
        # Without a single one there is no such time.
        result["last"] = max(ready.values()) - began if ready else None
        middle = self.counts()
        # teuthology calls a node ready while its last volume is still being attached, and cannot detach that yet. In a
        # lab, ssh and a test are between.
        state = self.rest()
        result["surplus"] = (len(state["servers"]) - len(ready), len(state["volumes"]) - len(ready) * self.cell.volumes)
        self.fault.begin(self.sandbox, "destroy", self.over)
        began = time.monotonic()
        side.destroy(sorted(ready))
        state = self.rest()
        result["destroyed"] = time.monotonic() - began
        # Without those that lasted for a while and were lifted.
        idle = [rule for rule in state["faults"] if not rule["struck"]]
        if idle:
            raise Broken(f"these faults never struck: {idle}")
        after = self.counts()
        result["requests"] = {service: (middle[service] - before[service], after[service] - middle[service])
                              for service in SERVICES}
        result["left"] = self.left(state)
        return result

    def rest(self):
        """The state once nothing in the cloud is on its way any more."""
        deadline = time.monotonic() + 60
        while True:
            state = self.sandbox.state()
            moving = [server for server in state["servers"] if server["task_state"]]
            moving += [volume for volume in state["volumes"] if volume["status"] in TRANSIENT]
            if not moving:
                return state
            if time.monotonic() > deadline:
                raise Broken(f"the cloud does not come to rest: {moving}")
            time.sleep(0.1)

    @staticmethod
    def left(state):
        addresses = [records for records in state["dns"]["records"].values()
                     if any(record.split()[0] == "A" and record.split()[1] != PARKING for record in records)]
        return {
            "servers": len(state["servers"]), "volumes": len(state["volumes"]), "names": len(addresses),
            "locks": sum(node["locked"] for node in state["nodes"])}

    def close(self):
        self.over.set()
        self.processes.stop_all()


class Teuthology:
    def __init__(self, run, site):
        run.write(".teuthology.yaml", site)
        os.mkdir(f"{run.folder}/.cache")
        self.run = run
        # How many nodes its first round gave.
        self.first = None
        self.lines = queue.Queue()
        cell = run.cell
        self.process = run.processes.start(
            "teuthology",
            [run.given.teuthology, "-B", BACKEND, WAYS[cell.side], str(cell.nodes), str(cell.volumes), OWNER],
            env=os.environ | {"HOME": run.folder}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        follow(self.process.stdout, lambda line: self.lines.put((time.monotonic(), json.loads(line))))
        self.until("prepared")

    def until(self, event):
        """The events before it, and it, with their times."""
        seen = []
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                seen.append(self.lines.get(timeout=1))
            except queue.Empty:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Broken(f"teuthology never got to {event}: " + self.run.processes.log("teuthology")) from None
                continue
            if seen[-1][1]["event"] == event:
                return seen

    def proceed(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def provision(self):
        self.proceed()
        seen = self.until("provisioned")
        self.first = next(line["nodes"] for _, line in seen if line["event"] == "round")
        kept = set(seen[-1][1]["nodes"])
        return {line["node"]: at for at, line in seen if line["event"] == "ready" and line["node"] in kept}

    def destroy(self, nodes):
        self.proceed()
        self.until("destroyed")


class Cirrata:
    first = None

    def __init__(self, run, site):
        self.run = run
        beanstalkd = Beanstalkd(run.processes, run.folder)
        self.config = run.write("worker.yaml", site | {
            "broker": f"127.0.0.1:{beanstalkd.port}", "site": "peer", "dns": {"server": run.dns},
            # About teuthology's patience with each request; a lab wants more, and the default is 12 h.
            "capacity_wait": "5m",
            "ssh": {"check_port": False, "check_host_keys": False, "check_sentinel": False,
                    "known_hosts_folder": f"{run.folder}/known_hosts"},
            "log": {"format": "json", "level": "debug"}})
        log = Log(run.folder)
        worker = run.processes.start(
            "worker-errors", [run.given.cirrata, "worker", "--config", self.config], stderr=subprocess.PIPE, text=True)
        log.read("worker", worker.stderr)
        log.wait("connected", lambda line: line["message"].startswith("connected to beanstalkd"), 0, 30)

    def enqueue(self, *arguments):
        """{node: time} of all whose jobs were done."""
        argv = [self.run.given.cirrata, "enqueue", *arguments, "--owner", OWNER, "--wait", "--timeout", f"{LIMIT}s",
                "--json", "--config", self.config]
        process = self.run.processes.start("enqueue", argv, stdout=subprocess.PIPE, text=True)
        done = {}
        with open(f"{self.run.folder}/outcomes.json", "a") as outcomes:
            for line in process.stdout:
                outcomes.write(line)
                record = json.loads(line)
                if record["event"] == "ended" and record["outcome"] == "done":
                    done[record["node"]] = time.monotonic()
        # 1: not every job was done, which is what is measured.
        if process.wait() not in (0, 1):
            raise Broken(f"enqueue ended with {process.returncode}: " + self.run.processes.log("enqueue"))
        return done

    def provision(self):
        nodes = [node["name"] for node in self.run.sandbox.state()["nodes"]]
        volumes = self.run.cell.volumes
        wishes = ["--volumes", str(volumes), "--volume-size", "10"] if volumes else []
        return self.enqueue("provision", *nodes, "--lock", *wishes)

    def destroy(self, nodes):
        if nodes:
            self.enqueue("destroy", *nodes, "--unlock")


def measured(given, cell, folder, runs):
    """One cell to its end; None when it broke. Adds its run to `runs`, for whoever has to stop it."""
    name = f"{SIDES[cell.side]}, {cell.nodes} × {cell.volumes}" + (f", {cell.fault}" if cell.fault else "")
    began = time.monotonic()
    run = Run(given, cell, folder)
    runs.append(run)
    try:
        result = run.measure()
        print(f"{seconds_since_start():6.0f} s  {name}: {time.monotonic() - began:.0f} s, {result['ready']} ready",
              file=sys.stderr, flush=True)
        return result
    except (Broken, OSError, ValueError, KeyError, subprocess.SubprocessError) as problem:
        print(f"{seconds_since_start():6.0f} s  {name}: BROKEN: {problem}", file=sys.stderr, flush=True)
        traceback.print_exc()
        return None
    finally:
        run.close()


def times(seconds, reference):
    """Seconds, and how many times those of Cirrata for the same work they are."""
    if seconds is None:
        return "-"
    text = f"{seconds:.1f} s"
    return f"{text} ({seconds / reference:.1f}×)" if reference else text


def things(counts):
    """Counts with their names, without those that are 0."""
    return ", ".join(f"{count} {name if count != 1 else name[:-1]}" for name, count in counts.items() if count) or "nothing"


def row(*columns):
    say("| " + " | ".join(str(column) for column in columns) + " |")


def table(head, cells, results, columns):
    """`columns` makes those of a cell after its side, from its result and Cirrata's of the same work."""
    row(*head)
    row(*["---"] * len(head))
    for cell in cells:
        result = results[cell]
        reference = None if cell.side == "cirrata" else results.get(cell._replace(side="cirrata"))
        rest = columns(cell, result, reference or {}) if result else ["broken"] * (len(head) - 2)
        row(cell.fault or f"{cell.nodes} × {cell.volumes}", SIDES[cell.side], *rest)


def without_faults(cells, results):
    def columns(cell, result, reference):
        return (f"{result['ready']} of {cell.nodes}", times(result["last"], reference.get("last")),
                times(result["destroyed"], reference.get("destroyed")),
                *(f"{made} + {undone}" for made, undone in result["requests"].values()), things(result["left"]))

    table(("nodes × volumes", "who", "ready", "last one after", "all gone after", *SERVICES, "left in the end"),
          cells, results, columns)


def with_faults(cells, results):
    def columns(cell, result, reference):
        servers, volumes = result["surplus"]
        made, undone = (sum(counts) for counts in zip(*result["requests"].values()))
        first = f" ({result['first']} at first)" if result["first"] < result["ready"] else ""
        return (f"{result['ready']} of {cell.nodes}{first}",
                *(times(result[name], reference.get(name)) for name in ("last", "settled")),
                f"{made} + {undone}", things({"servers": servers, "volumes": volumes}), things(result["left"]))

    table(("8 × 3, and", "who", "ready", "last one after", "all settled after", "requests", "too much then",
           "left in the end"), cells, results, columns)


def arguments():
    parser = argparse.ArgumentParser(
        prog="ops/peer", formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__, epilog="""\
sides:
  dispatcher  teuthology's lock_many, which creates one node after another
  at-once     teuthology's create_if_vm for all nodes at once, which it never does by itself
  cirrata     one worker, all jobs enqueued at once

The tables go to standard output. Requests are the Sandbox's own counts, provisions + destroys. In parentheses: how
many times Cirrata's time in the same run it is.""")
    parser.add_argument("cirrata", help=argparse.SUPPRESS)
    parser.add_argument("teuthology", help=argparse.SUPPRESS)
    parser.add_argument("--side", action="append", choices=list(SIDES), help="only this side; may be repeated")
    parser.add_argument("--nodes", action="append", type=int, help="so many nodes (default: 1, 8 and 32); may be repeated")
    parser.add_argument("--volumes", action="append", type=int,
                        help="so many volumes for each node (default: 0 and 3); may be repeated")
    faults = parser.add_mutually_exclusive_group()
    faults.add_argument("--faults", nargs="?", const="", metavar="WORDS",
                        help="only the cells with faults, 8 nodes with 3 volumes each; with WORDS those that have them in "
                        "their name")
    faults.add_argument("--no-faults", action="store_true", help="only the cells without")
    parser.add_argument("--boot", type=float, default=9, help="seconds until a server is ACTIVE (default: 9)")
    parser.add_argument("--together", type=int, default=8, metavar="N",
                        help="cells that run at once, each with a Sandbox of its own; nearly all of their time is waiting "
                        "(default: 8)")
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs")
    return parser.parse_args()


def interrupted(number, frame):
    raise KeyboardInterrupt


def main():
    given = arguments()
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    sides = given.side or list(SIDES)
    plain = [] if given.faults is not None else [
        Cell(side, nodes, volumes, None)
        for nodes in given.nodes or (1, 8, 32) for volumes in given.volumes or (0, 3) for side in sides]
    faulty = [] if given.no_faults else [
        Cell(side, 8, 3, fault) for fault in FAULTS if (given.faults or "") in fault for side in sides]
    # The longest first, so that the whole is over soon.
    order = sorted(
        plain + faulty, reverse=True,
        key=lambda cell: (cell.side == "dispatcher", cell.fault is not None, cell.nodes * (1 + cell.volumes)))
    folder = tempfile.mkdtemp(prefix="cirrata-peer-")
    results = {}
    runs = []
    status = 1
    try:
        with concurrent.futures.ThreadPoolExecutor(given.together) as pool:
            try:
                futures = {cell: pool.submit(measured, given, cell, f"{folder}/{number}", runs)
                           for number, cell in enumerate(order, 1)}
                results = {cell: future.result() for cell, future in futures.items()}
            except BaseException:
                # Without their processes the cells end.
                pool.shutdown(wait=False, cancel_futures=True)
                for run in runs:
                    run.close()
                raise
        if plain:
            without_faults(plain, results)
        if plain and faulty:
            say()
        if faulty:
            with_faults(faulty, results)
        status = 1 if None in results.values() else 0
    except KeyboardInterrupt:
        status = 130
    if status == 0 and not given.keep:
        shutil.rmtree(folder)
    else:
        print(f"the logs are in {folder}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
