"""Real teuthology from PyPI against Sandbox, beanstalkd and two workers (see ops/teuthology/test).

Its dispatcher reserves jobs of three nodes each, locks the nodes and starts its supervisors, which reimage, run a test
and unlock. Supervisors are interrupted, terminated, killed by teuthology-kill, and killed so that they can put nothing,
after which teuthology-lock and teuthology-node-cleanup clean up. teuthology-lock locks and unlocks, in time and too
late, while beanstalkd restarts and while it stays away. All of these are teuthology's own programs; only the nodes' ssh
(without_ssh, where the garbage collector is off, too), the results server (lab/results.py) and the test that a
supervisor runs are stand-ins.
"""
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

OPS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, OPS)
import demo
from lab.beanstalk import Client
from lab.processes import Broken
from lab.results import Results
from lab.terminal import Checks, headline, say

LIMIT = 60
# Of seconds: how long a server boots, and how long somebody waits who does not wait for that.
BOOT, IMPATIENCE = 6, 3
BIN = os.path.dirname(sys.executable)
PERSON = "person@lab"
SYSTEM = ["--os-type", "ubuntu", "--os-version", "22.04"]
# In the place of the program that runs a job's tests: ends when somebody opens the pipe.
JOB = f"""#!{sys.executable}
import sys
open(sys.argv[sys.argv.index("--archive") + 1] + "/finish").read()
"""
# Ends while the dispatcher's function locks machines, and says what the process then believes of such a machine.
LOCKING = """
import gevent
from teuthology.dispatcher.supervisor import create_fake_context
from teuthology.lock import ops, query

def is_vm():
    return query.is_vm(status={"machine_type": "ovh", "is_vm": True})

def lock_many(*arguments, **named):
    raise SystemExit(f"here {is_vm()}, in another greenlet {gevent.spawn(is_vm).get()}")

job = {"name": "locking", "job_id": "1", "archive_path": "/", "machine_type": "ovh", "owner": "me"}
ops.lock_many = lock_many
ops.block_and_lock_machines(create_fake_context(job), 1, "ovh", reimage=False)
"""
# As `teuthology --lock` does it: locks and builds in one go. Prints the node.
BUILDING = f"""
from teuthology.dispatcher.supervisor import create_fake_context
from teuthology.lock import ops

job = {{"name": "building", "job_id": "1", "archive_path": "/a", "machine_type": "ovh", "owner": "{PERSON}",
        "os_type": "ubuntu", "os_version": "22.04"}}
context = create_fake_context(job)
ops.block_and_lock_machines(context, 1, "ovh")
print(*context.config["targets"])
"""


class Teuthology:
    def __init__(self, lab, folder):
        self.lab = lab
        self.folder = folder
        self.results = Results()
        self.environment = os.environ | {
            "HOME": folder, "PYTHONPATH": f"{OPS}/teuthology/without_ssh", "PYTHONDONTWRITEBYTECODE": "1"}
        self.impatient = self.environment | {"TEUTHOLOGY_CONFIG": f"{folder}/impatient.yaml"}
        self.configure(".teuthology.yaml", LIMIT)
        self.configure("impatient.yaml", IMPATIENCE)
        for name in ("archive", "logs", "suite", "teuthology/.venv/bin"):
            os.makedirs(f"{folder}/{name}")
        os.symlink(f"{BIN}/teuthology-supervisor", f"{folder}/teuthology/.venv/bin/teuthology-supervisor")
        with open(os.open(f"{folder}/teuthology/.venv/bin/teuthology", os.O_CREAT | os.O_WRONLY, 0o755), "w") as file:
            file.write(JOB)
        for command in ("init -q -b main", "-c user.name=t -c user.email=t@lab commit -q --allow-empty -m suite"):
            subprocess.run(["git", *command.split()], cwd=f"{folder}/suite", check=True)

    def configure(self, name, timeout):
        with open(f"{self.folder}/{name}", "w") as file:
            json.dump({
                "lab_domain": demo.DOMAIN, "lock_server": f"{self.lab.sandbox.root}/paddles/",
                "results_server": self.results.address, "queue_host": "127.0.0.1", "queue_port": self.lab.port,
                "archive_base": f"{self.folder}/archive", "src_base_path": f"{self.folder}/src",
                "teuthology_path": f"{self.folder}/teuthology", "watchdog_interval": 1, "reserve_machines": 2,
                # Its own backend stays configured, and does nothing for these machines any more.
                "libcloud": {"providers": {"ovh": {"driver": "openstack", "driver_args": {"username": "nobody"}}}},
                "cirrata": {"machine_types": ["ovh"], "timeout": timeout},
            }, file)

    def start(self, program, *arguments, environment=None):
        say(f"   $ {program} {shlex.join(arguments)}")
        return self.lab.processes.start(program, [f"{BIN}/{program}", *arguments], env=environment or self.environment)

    def run(self, program, *arguments, environment=None):
        """A command to its end; returns its exit status."""
        return self.end(self.start(program, *arguments, environment=environment))

    def end(self, process):
        status = process.wait(LIMIT)
        self.lab.processes.stop(process)
        return status

    def said(self, program):
        with open(f"{self.folder}/{program}.log", errors="replace") as file:
            return file.read()

    def schedule(self, run, os_version="22.04"):
        """Puts a job of three nodes; returns its number."""
        job = {
            "name": run, "owner": owner(run), "machine_type": "ovh", "os_type": "ubuntu",
            "os_version": os_version, "roles": [["mon.a"], ["osd.0"], ["client.0"]],
            "description": "three nodes", "verbose": False,
            "teuthology_branch": "main", "teuthology_sha1": "0" * 40, "branch": "main", "suite_branch": "main",
            "suite_repo": f"file://{self.folder}/suite",
        }
        with Client(self.lab.port) as client:
            return str(client.put("ovh", json.dumps(job).encode(), ttr=86_400))

    def job(self, run, number):
        return self.results.jobs.get((run, number), {})

    def expect(self, run, number):
        """Makes the pipe for which the job's tests will wait. Returns its path."""
        path = f"{self.folder}/archive/{run}/{number}/finish"
        os.mkfifo(path)
        return path

    def wait(self, what, holds):
        deadline = time.monotonic() + LIMIT
        while not holds():
            if time.monotonic() > deadline:
                raise Broken(f"not within {LIMIT} s: {what}")
            time.sleep(0.1)

    def statuses(self):
        return [server["status"] for server in self.lab.sandbox.state()["servers"]]

    def held(self, by=None):
        nodes = self.lab.sandbox.state()["nodes"]
        return [node["name"] for node in nodes if node["locked"] and by in (None, node["locked_by"])]

    def free(self):
        return next(node["name"] for node in self.lab.sandbox.state()["nodes"] if not node["locked"])

    def destroys(self):
        """How many were put since beanstalkd started."""
        with Client(self.lab.port) as client:
            return int(client.stats("stats-tube cirrata.destroy.ovh")["total-jobs"])

    def nothing_left(self, check, what):
        self.wait(f"nothing is left: {what}", lambda: not self.statuses() and not self.held())
        state = self.lab.sandbox.state()
        left = state["servers"] or state["volumes"] or self.held()
        check(f"{what}: no server, no volume, no lock", not left, left)

    def logs(self):
        for path, _, names in os.walk(self.folder):
            for name in names:
                if name.endswith(".log") or path.endswith("/logs"):
                    with open(f"{path}/{name}", errors="replace") as file:
                        say(f"--- {name}\n{file.read()[-3000:]}")


def owner(run):
    return f"scheduled_{run}@lab"


def two_jobs(teuthology, check):
    headline("two jobs of three nodes")
    runs = [(run, teuthology.schedule(run)) for run in ("first", "second")]
    teuthology.wait("six boots at once", lambda: teuthology.statuses() == ["BUILD"] * 6)
    check("all six boots overlap", True)
    pipes = [teuthology.expect(*run) for run in runs]
    teuthology.wait("both jobs run", lambda: all(teuthology.job(*run).get("status") == "running" for run in runs))
    check("six servers are up when the tests begin", teuthology.statuses() == ["ACTIVE"] * 6, teuthology.statuses())
    nodes = [sorted(teuthology.job(*run)["targets"]) for run in runs]
    check("each job has its own three nodes", len(set(sum(nodes, []))) == 6, nodes)
    check("locked for their owners", [sorted(teuthology.held(owner(run))) for run, _ in runs] == nodes, nodes)
    for pipe in pipes:
        open(pipe, "w").close()
    teuthology.nothing_left(check, "the tests are over, and teuthology unlocks")


def supervisor(teuthology, run):
    """Returns a job's number and its supervisor, once its three nodes boot."""
    number = teuthology.schedule(run)
    teuthology.wait("three boots", lambda: teuthology.statuses() == ["BUILD"] * 3)
    return number, teuthology.job(run, number)["pid"]


def interrupted(teuthology, check):
    stopped(teuthology, check, signal.SIGINT, "interrupted")


def terminated(teuthology, check):
    stopped(teuthology, check, signal.SIGTERM, "terminated")


def stopped(teuthology, check, number, run):
    headline(f"{number.name} for a supervisor while its nodes boot")
    job, process = supervisor(teuthology, run)
    os.kill(process, number)
    teuthology.wait("the supervisor ends", lambda: has_ended(process))
    # The nodes stay locked, so nothing but the supervisor's own destroys can take the servers away.
    nodes = teuthology.held(owner(run))
    teuthology.wait("it has put destroys", lambda: not teuthology.statuses())
    check("it has put destroys for all three", nodes == teuthology.held(owner(run)) and len(nodes) == 3, nodes)
    kill(teuthology, check, run, job)


def killed(teuthology, check):
    headline("teuthology-kill while the nodes boot")
    job, process = supervisor(teuthology, "killed")
    kill(teuthology, check, "killed", job)
    teuthology.wait("the supervisor ends", lambda: has_ended(process))


def kill(teuthology, check, run, job):
    status = teuthology.run("teuthology-kill", "--run", run, "--job", job, "--owner", owner(run))
    check("teuthology-kill ends well", status == 0, status)
    teuthology.nothing_left(check, "after teuthology-kill")


def has_ended(process):
    """Its parent, the dispatcher, looks for ended ones only now and then."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def unlocked(teuthology, check):
    headline("SIGKILL for a supervisor while its nodes boot, and somebody who unlocks them")
    _, process = supervisor(teuthology, "unlocked")
    os.kill(process, signal.SIGKILL)
    check("its servers go on", teuthology.statuses() == ["BUILD"] * 3, teuthology.statuses())
    nodes = teuthology.held(owner("unlocked"))
    status = teuthology.run("teuthology-lock", "--unlock", "--owner", owner("unlocked"), *nodes)
    check("teuthology-lock --unlock ends well", status == 0, status)
    teuthology.nothing_left(check, "after teuthology-lock --unlock")


def cleaned(teuthology, check):
    headline("SIGKILL for a supervisor while its nodes boot, and nobody who looks before they are up")
    job, process = supervisor(teuthology, "cleaned")
    os.kill(process, signal.SIGKILL)
    teuthology.wait("three servers are up", lambda: teuthology.statuses() == ["ACTIVE"] * 3)
    # The clean-up leaves jobs alone until they have been over for five minutes.
    teuthology.results.jobs["cleaned", job] |= {"status": "dead", "updated": "2026-01-01 00:00:00.000000"}
    status = teuthology.run("teuthology-node-cleanup", "--owner", owner("cleaned"))
    check("teuthology-node-cleanup ends well", status == 0, status)
    teuthology.nothing_left(check, "after teuthology-node-cleanup")


def refused(teuthology, check):
    headline("a job whose nodes cannot be built")
    number = teuthology.schedule("refused", os_version="99.99")
    teuthology.wait("the job is dead", lambda: teuthology.job("refused", number).get("status") == "dead")
    reason = teuthology.job("refused", number)["failure_reason"]
    check(f"the job's reason: {reason}", all(word in reason for word in ("rejected", "image", "cirrata failed show")))
    teuthology.nothing_left(check, "after the refusal")


def play(teuthology, script):
    return subprocess.run(
        [sys.executable, "-c", script], env=teuthology.environment, capture_output=True, text=True, timeout=LIMIT)


def locking(teuthology, check):
    headline("whether a machine that is being locked is a VM, for which teuthology would wait")
    done = play(teuthology, LOCKING)
    said = done.stderr.splitlines()[-1:]
    check(f"is it a VM: {said}", said == ["here False, in another greenlet True"], done.stderr)


def building(teuthology, check):
    headline("a machine that is locked and built in one go")
    done = play(teuthology, BUILDING)
    nodes = done.stdout.split()
    check(f"it is locked and up: {nodes}", nodes == teuthology.held(PERSON) and teuthology.statuses() == ["ACTIVE"],
          done.stderr)
    status = teuthology.run("teuthology-lock", "--unlock", "--owner", PERSON, *nodes)
    check("teuthology-lock --unlock ends well", status == 0, status)
    teuthology.nothing_left(check, "it is unlocked")


def lock_many(count):
    return ["teuthology-lock", "--lock-many", str(count), "--machine-type", "ovh", "--owner", PERSON, "--desc", "mine",
            *SYSTEM]


def by_hand(teuthology, check):
    headline("teuthology-lock, and a broker that is killed and comes back while it waits")
    locking = teuthology.start(*lock_many(1))
    teuthology.wait("a boot", lambda: teuthology.statuses() == ["BUILD"])
    teuthology.lab.beanstalkd.kill()
    teuthology.lab.beanstalkd.start()
    status = teuthology.end(locking)
    check("teuthology-lock --lock-many ends well", status == 0, status)
    nodes = teuthology.held(PERSON)
    servers = teuthology.statuses()
    check("one node, one server", len(nodes) == 1 and servers == ["ACTIVE"], (nodes, servers))
    # Locking a node by name builds it by another way.
    free = teuthology.free()
    status = teuthology.run("teuthology-lock", "--lock", "--owner", PERSON, *SYSTEM, free)
    check("teuthology-lock --lock ends well", status == 0 and teuthology.statuses() == ["ACTIVE"] * 2, status)
    status = teuthology.run("teuthology-lock", "--unlock", "--owner", PERSON, free, *nodes)
    check("teuthology-lock --unlock ends well", status == 0, status)
    teuthology.nothing_left(check, "both are unlocked")


def not_meant(teuthology, check):
    headline("jobs of the same uuid that somebody else puts, whose replies are not the ones that are waited for")
    locking = teuthology.start(*lock_many(1))
    teuthology.wait("a boot", lambda: teuthology.statuses() == ["BUILD"])
    with Client(teuthology.lab.port) as client:
        last = client.put("probe", b"")
        bodies = (client.call(f"peek {number}")[1] for number in range(last - 1, 0, -1))
        job = next(json.loads(body) for body in bodies if body and b'"action": "provision"' in body)
        for node in (teuthology.free(), job["node"]):
            client.put("cirrata.provision.ovh", json.dumps(job | {"node": node, "expire": 1}).encode())
        client.call(f"delete {last}")
    status = teuthology.end(locking)
    said = teuthology.said("teuthology-lock")
    check("teuthology-lock --lock-many ends well", status == 0, status)
    check("it says that it ignored two replies", said.count("a reply that is about another job") == 2, said)
    nodes = teuthology.held(PERSON)
    check("one node, one server", len(nodes) == 1 and teuthology.statuses() == ["ACTIVE"], nodes)
    status = teuthology.run("teuthology-lock", "--unlock", "--owner", PERSON, *nodes)
    check("teuthology-lock --unlock ends well", status == 0, status)
    teuthology.nothing_left(check, "it is unlocked")


def too_late(teuthology, check):
    headline("nodes that take longer than anybody waits")
    began = time.monotonic()
    locking = teuthology.start(*lock_many(2), environment=teuthology.impatient)
    teuthology.wait("two boots", lambda: teuthology.statuses() == ["BUILD"] * 2)
    status = teuthology.end(locking)
    check(f"teuthology-lock --lock-many fails after {time.monotonic() - began:.1f} s", status != 0, status)
    said = teuthology.said("teuthology-lock")
    check("it says why", f"timed out: no reply within {IMPATIENCE} s (cirrata failed show" in said, said)
    teuthology.nothing_left(check, "they are unlocked")
    # Workers drop late provisions by themselves. The destroy is for what is done just then, and nobody hears of it.
    node, before = teuthology.free(), teuthology.destroys()
    status = teuthology.run(
        "teuthology-lock", "--lock", "--owner", PERSON, *SYSTEM, node, environment=teuthology.impatient)
    check("teuthology-lock --lock fails", status != 0, status)
    check("it has put a destroy", teuthology.destroys() == before + 1, teuthology.destroys() - before)
    status = teuthology.run("teuthology-lock", "--unlock", "--owner", PERSON, node)
    check("teuthology-lock --unlock ends well", status == 0, status)
    teuthology.nothing_left(check, "it is unlocked")


def without_broker(teuthology, check):
    headline("a broker that is killed, and stays away longer than anybody waits")
    locking = teuthology.start(*lock_many(1), environment=teuthology.impatient)
    teuthology.wait("a boot", lambda: teuthology.statuses() == ["BUILD"])
    teuthology.lab.beanstalkd.kill()
    status = teuthology.end(locking)
    said = teuthology.said("teuthology-lock")
    check("teuthology-lock --lock-many fails", status != 0, status)
    check("it says why: the broker", "timed out: beanstalkd at 127.0.0.1:" in said, said)
    advice = re.search("no destroy can be put .*: cirrata (.*)", said)
    check(f"it says what to do: {advice and advice[1]}", advice, said)
    teuthology.lab.beanstalkd.start()
    if advice:
        status, said = teuthology.lab.run(*advice[1].split(), "--wait")
        check("which destroys", status == 0, said)
    teuthology.nothing_left(check, "after the destroy")


def main(cirrata):
    demo.SANDBOX = {key: value for key, value in demo.SANDBOX.items() if key != "allow_hosts"} | {"boot": BOOT}
    check = Checks()
    with tempfile.TemporaryDirectory() as folder:
        lab = demo.Lab(cirrata, folder)
        teuthology = None
        try:
            lab.start()
            teuthology = Teuthology(lab, folder)
            dispatcher = teuthology.start(
                "teuthology-dispatcher", "--tube", "ovh", "--log-dir", f"{folder}/logs", "--archive-dir",
                f"{folder}/archive")
            for act in (two_jobs, interrupted, terminated, killed, unlocked, cleaned, refused):
                act(teuthology, check)
            lab.processes.stop(dispatcher)
            for act in (locking, building, by_hand, not_meant, too_late, without_broker):
                act(teuthology, check)
        except (Broken, OSError, subprocess.SubprocessError) as problem:
            check("the test comes to its end", False, repr(problem))
        finally:
            if check.failed and teuthology is not None:
                teuthology.logs()
            lab.processes.stop_all()
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
