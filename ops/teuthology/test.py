"""Real teuthology from PyPI against Sandbox, beanstalkd and two workers (see ops/teuthology/test).

Its dispatcher reserves jobs of three nodes each, locks the nodes and starts its supervisors, which reimage, run a test
and unlock. Supervisors are interrupted, killed by teuthology-kill, and killed with nobody to clean up after them.
teuthology-lock locks and unlocks. All of these are teuthology's own programs; only the nodes' ssh (without_ssh), the
results server (lab/results.py) and the test that a supervisor runs are stand-ins.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

OPS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, OPS)
import demo
from cirrata_teuthology.client import Client as Queue, TimedOut
from lab.beanstalk import Client
from lab.processes import Broken
from lab.results import Results
from lab.terminal import Checks, headline, say

LIMIT = 60
BIN = os.path.dirname(sys.executable)
PERSON = "person@lab"
# In the place of the program that runs a job's tests: ends when somebody opens the pipe.
JOB = f"""#!{sys.executable}
import sys
open(sys.argv[sys.argv.index("--archive") + 1] + "/finish").read()
"""


class Teuthology:
    def __init__(self, lab, folder):
        self.lab = lab
        self.folder = folder
        self.results = Results()
        self.environment = os.environ | {
            "HOME": folder, "PYTHONPATH": f"{OPS}/teuthology/without_ssh", "PYTHONDONTWRITEBYTECODE": "1"}
        with open(f"{folder}/.teuthology.yaml", "w") as file:
            json.dump({
                "lab_domain": demo.DOMAIN, "lock_server": f"{lab.sandbox.root}/paddles/",
                "results_server": self.results.address, "queue_host": "127.0.0.1", "queue_port": lab.port,
                "archive_base": f"{folder}/archive", "src_base_path": f"{folder}/src",
                "teuthology_path": f"{folder}/teuthology", "watchdog_interval": 1, "reserve_machines": 2,
                # Its own backend stays configured, and does nothing for these machines any more.
                "libcloud": {"providers": {"ovh": {"driver": "openstack", "driver_args": {"username": "nobody"}}}},
                "cirrata": {"machine_types": ["ovh"], "timeout": LIMIT},
            }, file)
        for name in ("archive", "logs", "suite", "teuthology/.venv/bin"):
            os.makedirs(f"{folder}/{name}")
        os.symlink(f"{BIN}/teuthology-supervisor", f"{folder}/teuthology/.venv/bin/teuthology-supervisor")
        with open(os.open(f"{folder}/teuthology/.venv/bin/teuthology", os.O_CREAT | os.O_WRONLY, 0o755), "w") as file:
            file.write(JOB)
        for command in ("init -q -b main", "-c user.name=t -c user.email=t@lab commit -q --allow-empty -m suite"):
            subprocess.run(["git", *command.split()], cwd=f"{folder}/suite", check=True)

    def start(self, program, *arguments):
        return self.lab.processes.start(program, [f"{BIN}/{program}", *arguments], env=self.environment)

    def run(self, program, *arguments):
        """A command to its end; returns its exit status."""
        say(f"   $ {program} {' '.join(arguments)}")
        process = self.start(program, *arguments)
        status = process.wait(LIMIT)
        self.lab.processes.stop(process)
        return status

    def schedule(self, run, os_version="22.04"):
        """Puts a job of three nodes; returns its number."""
        job = {
            "name": run, "owner": owner(run), "machine_type": "ovh", "os_type": "ubuntu",
            "os_version": os_version, "roles": [["mon.a"], ["osd.0"], ["client.0"]], "description": "three nodes", "verbose": False,
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

    def nothing_left(self, check, what):
        self.wait(f"nothing is left: {what}", lambda: not self.statuses() and not self.held())
        state = self.lab.sandbox.state()
        check(f"{what}: no server, no volume, no lock", not (state["servers"] or state["volumes"] or self.held()), state)

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
    headline("a supervisor is interrupted while its nodes boot")
    number, process = supervisor(teuthology, "interrupted")
    os.kill(process, signal.SIGINT)
    teuthology.wait("it puts destroys", lambda: not teuthology.statuses())
    check("it has put destroys for all three", True)
    kill(teuthology, check, "interrupted", number)


def killed(teuthology, check):
    headline("teuthology-kill while the nodes boot")
    number, process = supervisor(teuthology, "killed")
    kill(teuthology, check, "killed", number)
    teuthology.wait("the supervisor ends", lambda: not os.path.exists(f"/proc/{process}/status") or is_zombie(process))


def kill(teuthology, check, run, number):
    status = teuthology.run("teuthology-kill", "--run", run, "--job", number, "--owner", owner(run))
    check("teuthology-kill ends well", status == 0, status)
    teuthology.nothing_left(check, "after teuthology-kill")


def is_zombie(process):
    with open(f"/proc/{process}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "Z"


def crashed(teuthology, check):
    headline("SIGKILL of a supervisor while its nodes boot: what is locked can be unlocked by anybody")
    _, process = supervisor(teuthology, "crashed")
    os.kill(process, signal.SIGKILL)
    nodes = teuthology.held(owner("crashed"))
    status = teuthology.run("teuthology-lock", "--unlock", "--owner", owner("crashed"), *nodes)
    check("teuthology-lock --unlock ends well", status == 0, status)
    teuthology.nothing_left(check, "after teuthology-lock --unlock")


def refused(teuthology, check):
    headline("a job whose nodes cannot be built")
    number = teuthology.schedule("refused", os_version="99.99")
    teuthology.wait("the job is dead", lambda: teuthology.job("refused", number).get("status") == "dead")
    reason = teuthology.job("refused", number)["failure_reason"]
    check(f"the job's reason: {reason}", all(word in reason for word in ("rejected", "image", "cirrata failed show")))
    teuthology.nothing_left(check, "after the refusal")


def too_late(teuthology, check):
    headline("a node that takes longer than anybody waits")
    client = Queue("127.0.0.1", teuthology.lab.port, timeout=3)
    began, raised = time.monotonic(), None
    try:
        client.create("ovh", "ovh001", PERSON, lock=True, os_type="ubuntu", os_version="22.04")
    except TimedOut as problem:
        raised = problem
    check(f"raised after {time.monotonic() - began:.1f} s: {raised}", raised is not None and raised.report)
    teuthology.nothing_left(check, "a destroy was put")


def by_hand(teuthology, check):
    headline("teuthology-lock, and a broker that is killed while it waits")
    system = ["--os-type", "ubuntu", "--os-version", "22.04"]
    locking = teuthology.start(
        "teuthology-lock", "--lock-many", "1", "--machine-type", "ovh", "--owner", PERSON, "--desc", "mine", *system)
    teuthology.wait("a boot", lambda: teuthology.statuses() == ["BUILD"])
    teuthology.lab.beanstalkd.kill()
    teuthology.lab.beanstalkd.start()
    check("teuthology-lock --lock-many ends well", locking.wait(LIMIT) == 0, locking.returncode)
    nodes = teuthology.held(PERSON)
    check("one node, one server", len(nodes) == 1 and teuthology.statuses() == ["ACTIVE"], (nodes, teuthology.statuses()))
    # Locking a node by name builds it by another way.
    free = next(node["name"] for node in teuthology.lab.sandbox.state()["nodes"] if not node["locked"])
    status = teuthology.run("teuthology-lock", "--lock", "--owner", PERSON, *system, free)
    check("teuthology-lock --lock ends well", status == 0 and teuthology.statuses() == ["ACTIVE"] * 2, status)
    status = teuthology.run("teuthology-lock", "--unlock", "--owner", PERSON, free, *nodes)
    check("teuthology-lock --unlock ends well", status == 0, status)
    teuthology.nothing_left(check, "both are unlocked")


def main(cirrata):
    demo.SANDBOX = {key: value for key, value in demo.SANDBOX.items() if key != "allow_hosts"} | {"boot": 6}
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
            for act in (two_jobs, interrupted, killed, crashed, refused):
                act(teuthology, check)
            lab.processes.stop(dispatcher)
            too_late(teuthology, check)
            by_hand(teuthology, check)
        except (Broken, OSError, subprocess.SubprocessError) as problem:
            check("the test comes to its end", False, repr(problem))
        finally:
            if check.failed and teuthology is not None:
                teuthology.logs()
            lab.processes.stop_all()
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
