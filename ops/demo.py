"""What ops/demo shows once cirrata is built: a lab on loopback, six jobs with different fates, and the proof."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lab.beanstalk import Client
from lab.processes import Broken, Processes, follow
from lab.services import Beanstalkd, Sandbox, start_sandbox
from lab.terminal import Checks, headline, say, seconds_since_start, styled

DOMAIN = "front.lab.test"
OWNER = "demo@lab"
PARKING = "192.0.2.1"
# Everything is over long before; a demo that hangs says so.
LIMIT = 120

SANDBOX = {
    "seed": 7, "domain": DOMAIN, "addresses": "127.77.0.0/16", "boot": 3,
    "nodes": [{"machine_type": "ovh", "count": 8}],
    # nsupdate-web refuses every other name, as one with a regular expression for its hosts does.
    "allow_hosts": "ovh00[1-5]$",
    "timings": {
        "deleting": 0.8, "deleted_visible": 0.2, "volume_creating": 0.6, "volume_reserved": 0.2,
        "volume_attaching": 0.4, "volume_detaching": 0.3, "volume_deleting": 0.3,
    },
}

WORKER_YAML = """\
lab_domain: {domain}
lock_server: {root}/paddles/
nsupdate_url: {root}/nsupdate/update
site: demo
broker: {broker}
slots: 8
# Short, so that a demo is over soon; the defaults are for labs.
retry_for: 40s
retry_base: 200ms
retry_cap: 2s
capacity_wait: 40s
capacity_delay: 1s
drain_grace: 10s
dns:
  server: {dns}
ssh:
  # The Sandbox's servers have loopback addresses, where it answers one port with an ssh banner. There is no host
  # behind it, so keys and the sentinel file are not looked at.
  port: {ssh_port}
  check_port: true
  check_host_keys: false
  check_sentinel: false
  known_hosts_folder: {folder}/known_hosts
log:
  format: json
libcloud:
  providers:
    ovh:
      driver: openstack
      driver_args:
        username: cirrata
        password: secret
        ex_force_auth_url: {root}/identity
        ex_force_auth_version: 3.x_password
        ex_tenant_name: lab
      allow_networks: ['Ext-Net$']
"""

# Two refusals and a reset after the server was created; the first server ends in ERROR; paddles' database stumbles.
FAULTS = [
    {"service": "compute", "method": "POST", "match": "^/v2.1/servers$", "status": 503, "retry_after": 1, "count": 2},
    {"service": "compute", "method": "POST", "match": "^/v2.1/servers$", "wire": "reset", "when": "after", "count": 1},
    {"service": "volume", "method": "POST", "status": 503, "count": 1},
    {"service": "nsupdate", "status": 500, "body": "timeout", "count": 1},
]
TROUBLE = [
    {"do": "server-fault", "name": "ovh004", "fault": "spawn-fails", "text": "disk full"},
    {"do": "paddles", "database_errors": 2},
]


class Lab:
    """beanstalkd, the Sandbox and two workers, and the command line that talks to them."""

    def __init__(self, cirrata, folder):
        self.cirrata = cirrata
        self.folder = folder
        self.processes = Processes(folder)
        self.workers = []
        self.config = f"{folder}/worker.yaml"

    def start(self):
        self.beanstalkd = Beanstalkd(self.processes, self.folder)
        self.port = self.beanstalkd.port
        say(f"beanstalkd  127.0.0.1:{self.port}, durable in {self.folder}/binlog")
        answers = start_sandbox(self.processes, self.cirrata, SANDBOX)
        root = answers["sandbox"]
        say(f"sandbox     {root}/sandbox/ shows its state while the demo runs")
        self.sandbox = Sandbox(root)
        text = WORKER_YAML.format(
            domain=DOMAIN, root=root, broker=f"127.0.0.1:{self.port}", dns=answers["dns"],
            ssh_port=answers["ssh"].rsplit(":", 1)[1], folder=self.folder)
        with os.fdopen(os.open(self.config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        for number in (1, 2):
            self.start_worker(number)
        say("ssh         only the port is checked; host keys and the sentinel file are not: there are no real hosts")

    def start_worker(self, number):
        process = self.processes.start(
            f"worker{number}", [self.cirrata, "worker", "--config", self.config], stderr=subprocess.PIPE, text=True)
        self.workers.append(process)
        log = open(f"{self.folder}/worker{number}.log", "a")

        def line(text):
            log.write(text + "\n")
            log.flush()
            show_log_line(f"w{number}", text)

        follow(process.stderr, line)
        say(f"worker {number}    process {process.pid}")

    def command(self, *arguments):
        return [self.cirrata, *arguments, "--config", self.config]

    def run(self, *arguments):
        """A command to its end; returns its exit status and what it wrote to standard output."""
        done = subprocess.run(
            self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def enqueue(self, jobs):
        """Enqueues each with --wait, all at once. Returns {name: Result}."""
        started = []
        for node, arguments in jobs:
            argv = ["enqueue", *arguments, "--owner", OWNER, "--wait"]
            say(styled(f"   $ cirrata {' '.join(argv)}", "bold"))
            process = self.processes.start(
                f"enqueue-{node}", self.command(*argv, "--json"), stdout=subprocess.PIPE, text=True)
            started.append((node, process))
        results = {}
        for node, process in started:
            try:
                out, _ = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                self.processes.stop(process)
                raise Broken(f"the job of {node} has not ended after 60 s") from None
            self.processes.stop(process)
            results[node] = Result(process.returncode, out.splitlines())
        return results


def show_log_line(worker, text):
    """One readable line of what a worker logs as JSON; beginnings of steps say nothing that their ends do not."""
    try:
        record = json.loads(text)
    except ValueError:
        say(f"            {worker}          {text}")
        return
    message, node, level = record.get("message", ""), record.get("node", ""), record.get("level", "info")
    if not node or message == record.get("step"):
        return
    style = {"error": "red", "warning": "yellow", "notice": None}.get(level, "dim")
    line = f"   {seconds_since_start():5.1f} s  {worker}  {node.split('.')[0]:7} {message.splitlines()[0]}"
    say(styled(line, style) if style else line)


class Result:
    """What `cirrata enqueue --wait --json` said of one job or several."""

    def __init__(self, status, lines):
        self.status = status
        records = [json.loads(line) for line in lines]
        self.jobs = [record["job"] for record in records if record["event"] == "put"]
        self.replies = [record for record in records if record["event"] == "ended"]

    @property
    def outcomes(self):
        return [reply["outcome"] for reply in self.replies]

    @property
    def reason(self):
        return "; ".join(reply.get("error", {}).get("message", "") for reply in self.replies)

    def __repr__(self):
        return f"exit status {self.status}, {self.replies}"


def named(items, node):
    """Of servers or volumes, those of a node, by name: ovh001, ovh001_0, ovh001_1."""
    return [item for item in items if item["name"] == node or item["name"].startswith(f"{node}_")]


def check_built(check, lab, results, volumes):
    state = lab.sandbox.state()
    records = {record["name"].split(".")[0]: record for record in state["nodes"]}
    for node, count in volumes.items():
        servers = named(state["servers"], node)
        disks = named(state["volumes"], node)
        check(f"{node}: enqueue --wait ended with 0, outcome done",
              results[node].status == 0 and results[node].outcomes == ["done"], results[node])
        check(f"{node}: one ACTIVE server, {count} volume{'' if count == 1 else 's'} in use on it",
              [server["status"] for server in servers] == ["ACTIVE"] and len(disks) == count
              and all(disk["status"] == "in-use" and disk["server"] == servers[0]["id"] for disk in disks),
              (servers, disks))
        if not servers:
            continue
        address = servers[0]["addresses"][0]
        record = records[node]
        check(f"{node}: DNS says {address['address']}, paddles has its MAC and ubuntu",
              addresses_of(state, node) == [address["address"]] and record["mac_address"] == address["mac"]
              and record["os_type"] == "ubuntu" and record["locked_by"] == OWNER, record)


def addresses_of(state, node):
    """What the zone says of a node: the records are texts, such as A 192.0.2.1."""
    return [record.split()[1] for record in state["dns"]["records"].get(f"{node}.{DOMAIN}", [])]


def act_one(lab, check):
    headline("three nodes at once, with no, one and three volumes")
    jobs = [
        (node, ["provision", node, "--lock", "--volumes", str(count), "--volume-size", "10"] if count else
         ["provision", node, "--lock"])
        for node, count in (("ovh001", 0), ("ovh002", 1), ("ovh003", 3))
    ]
    check_built(check, lab, lab.enqueue(jobs), {"ovh001": 0, "ovh002": 1, "ovh003": 3})


def act_two(lab, check):
    headline("a burst of faults: 503s, a reset after the server was created, a server in ERROR, a database that stumbles")
    before = lab.sandbox.state()
    lab.sandbox.post("faults", FAULTS)
    lab.sandbox.post("control", TROUBLE)
    results = lab.enqueue([("ovh004", ["provision", "ovh004", "--lock", "--volumes", "1", "--volume-size", "10"])])
    state = lab.sandbox.state()
    struck = sum(fault["struck"] for fault in state["faults"])
    created = state["servers_created"] - before["servers_created"]
    check(f"all {sum(fault['count'] for fault in FAULTS)} planned faults struck",
          struck == sum(fault["count"] for fault in FAULTS), state["faults"])
    check("two servers were created for ovh004, the broken one is gone", created == 2, created)
    check_built(check, lab, results, {"ovh004": 1})


def act_three(lab, check):
    headline("two that cannot work: no such image; and a DNS name that is refused once its server is built")
    before = lab.sandbox.state()
    results = lab.enqueue([
        ("ovh005", ["provision", "ovh005", "--lock", "--os-type", "ubuntu", "--os-version", "99.99"]),
        ("ovh006", ["provision", "ovh006", "--lock", "--volumes", "2", "--volume-size", "10"]),
    ])
    state = lab.sandbox.state()
    for node, word in (("ovh005", "image"), ("ovh006", "allow_hosts")):
        result = results[node]
        check(f"{node}: enqueue --wait ended with {result.status}, rejected: {result.reason}",
              result.status == 1 and result.outcomes == ["rejected"] and word in result.reason, result)
    servers = state["servers_created"] - before["servers_created"]
    volumes = state["volumes_created"] - before["volumes_created"]
    check("ovh006 had been built: one server and two volumes were created", (servers, volumes) == (1, 2), (servers, volumes))
    for node in ("ovh005", "ovh006"):
        left = named(state["servers"], node) + named(state["volumes"], node)
        record = next(record for record in state["nodes"] if record["name"] == f"{node}.{DOMAIN}")
        check(f"{node}: no server, no volume, no address in DNS, not locked",
              not left and addresses_of(state, node) in ([], [PARKING]) and not record["locked"], (left, record))
    with Client(lab.port) as client:
        number = client.tube("cirrata.provision.ovh")["buried"]
    check("beanstalkd holds both jobs buried", number == 2, number)
    say(styled("   $ cirrata failed list", "bold"))
    status, text = lab.run("failed", "list")
    say(indented(text))
    check("failed list names both", status == 0 and "ovh005" in text and "ovh006" in text, text)
    for node in ("ovh005", "ovh006"):
        number = str(results[node].jobs[0])
        say(styled(f"   $ cirrata failed show {number}", "bold"))
        status, text = lab.run("failed", "show", number)
        say(indented(text))
        check(f"failed show {number} tells the story of {node}", status == 0 and node in text, text)
        report = json.loads(lab.run("failed", "show", number, "--json")[1])
        # Each is a kind, a name and an id; an attachment ends with its server.
        created = sorted(thing for thing in report["created"] if not thing.startswith("attachment "))
        check(f"its report: created {len(created)}, removed the same, nothing is left",
              created == sorted(report["removed"]) and report["left"] == [], report)


def indented(text):
    return "\n".join(f"      {line}" for line in text.rstrip("\n").splitlines())


def act_four(lab, check):
    headline("destroy what was built")
    nodes = ["ovh001", "ovh002", "ovh003", "ovh004"]
    results = lab.enqueue([("all", ["destroy", *nodes, "--unlock"])])
    check("enqueue --wait ended with 0, four times done",
          results["all"].status == 0 and results["all"].outcomes == ["done"] * 4, results)
    state = lab.sandbox.state()
    check("the cloud is empty: no server, no volume", state["servers"] == [] and state["volumes"] == [],
          (state["servers"], state["volumes"]))
    check(f"DNS: all names of theirs are parked at {PARKING}",
          all(addresses_of(state, node) == [PARKING] for node in nodes), state["dns"])
    check("paddles: every node is unlocked, without a system and a MAC",
          all(not record["locked"] and not record["os_type"] and not record["mac_address"]
              for record in state["nodes"]), state["nodes"])


def act_five(lab, check):
    headline("sweep: is there anything that no job owns?")
    say(styled("   $ cirrata sweep --gap 1s", "bold"))
    status, text = lab.run("sweep", "--gap", "1s")
    say(indented(text))
    check("the sweep ended with 0 and found nothing to remove", status == 0 and "of 0: 0 removed" in text, (status, text))


def the_end(lab, check):
    headline("stop")
    for number, process in enumerate(lab.workers, 1):
        began = time.monotonic()
        status = lab.processes.stop(process)
        check(f"worker {number} ended {time.monotonic() - began:.1f} s after SIGTERM with 0", status == 0, status)
    lab.processes.stop_all()
    check("no process is left", lab.processes.left() == [], lab.processes.left())


def interrupted(number, frame):
    raise KeyboardInterrupt


def too_long(number, frame):
    raise Broken(f"not finished after {LIMIT} s")


def main(cirrata):
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LIMIT)
    folder = tempfile.mkdtemp(prefix="cirrata-demo-")
    lab = Lab(cirrata, folder)
    check = Checks()
    status = 1
    try:
        headline("a lab on this machine")
        lab.start()
        for act in (act_one, act_two, act_three, act_four, act_five, the_end):
            act(lab, check)
        status = 1 if check.failed else 0
    except KeyboardInterrupt:
        status = 130
    except (Broken, OSError, ValueError, KeyError, subprocess.SubprocessError) as problem:
        say(f"   {styled('FAIL', 'red')}  {type(problem).__name__}: {problem}")
    finally:
        signal.alarm(0)
        # A second Ctrl-C must not keep anything from being stopped.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        lab.processes.stop_all()
    say()
    took = f"{seconds_since_start():.1f} s"
    if status in (0, 130):
        shutil.rmtree(folder)
    if status == 0:
        say(styled(f"PASS: the demo took {took}", "green"))
    elif status == 130:
        say(f"interrupted after {took}: everything was stopped, {folder} is removed")
    else:
        say(styled(f"FAIL: {check.failed} of the checks above, after {took}; logs in {folder}", "red"))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
