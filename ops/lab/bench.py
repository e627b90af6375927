"""A lab with real machines: beanstalkd, the Sandbox with its DNS where resolvers ask, sshds. Runs inside ops/lab/alone."""
import os
import shutil
import socket
import subprocess
import tempfile
import time

from lab.log import Log
from lab.machines import Machines
from lab.processes import Broken, Processes
from lab.services import Beanstalkd, Sandbox, start_sandbox
from lab.terminal import Checks, say

DOMAIN = "front.lab.test"
PARKING = "192.0.2.1"
LIMIT = 120


class Bench:
    """`folder` is the home of whoever runs the worker, with a key of their own."""

    def __init__(self, cirrata, folder, nodes):
        self.cirrata = cirrata
        self.folder = folder
        self.processes = Processes(folder)
        self.log = Log(folder)
        self.beanstalkd = Beanstalkd(self.processes, folder)
        self.root = start_sandbox(self.processes, cirrata, {
            "seed": 1, "domain": DOMAIN, "addresses": "127.77.0.0/16", "boot": 0.5,
            "nodes": [{"machine_type": "ovh", "count": nodes}]}, dns_port=53)["sandbox"]
        self.sandbox = Sandbox(self.root)
        self.machines = Machines(self.processes, self.log, self.sandbox)
        os.mkdir(f"{folder}/.ssh", mode=0o700)
        subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", f"{folder}/.ssh/id_rsa"], check=True)
        self.environment = os.environ | {"HOME": folder}

    def start_worker(self, config):
        worker = self.processes.start(
            "worker", [self.cirrata, "worker", "--config", config], env=self.environment, stderr=subprocess.PIPE,
            text=True)
        self.log.read("worker", worker.stderr)

    def run(self, *argv, stdin=""):
        """A program to its end, as the worker's user."""
        return subprocess.run(
            argv, env=self.environment, input=stdin, capture_output=True, text=True, timeout=LIMIT)

    def wait(self, what, holds):
        """Until `holds()`, for what no log tells of."""
        deadline = time.monotonic() + LIMIT
        while not holds():
            if time.monotonic() > deadline:
                raise Broken(f"not within {LIMIT} s: {what}")
            time.sleep(0.1)

    def servers(self, node):
        return [server for server in self.sandbox.state()["servers"] if server["name"] == node]

    def record(self, node):
        """Its row in paddles."""
        return next(record for record in self.sandbox.state()["nodes"] if record["name"] == f"{node}.{DOMAIN}")

    def address(self, node):
        """What its name means, as any program on this host finds out."""
        return socket.gethostbyname(f"{node}.{DOMAIN}")

    def gone(self, check, node):
        """All that is to hold of a node that was destroyed, or whose provision failed."""
        record = self.record(node)
        check(f"{node}: nothing is left in the cloud", not self.servers(node), self.servers(node))
        check(f"{node}: its name is parked", self.address(node) == PARKING, self.address(node))
        check(f"{node}: paddles describes no server", not (record["ssh_pub_key"] or record["os_type"]), record)
        check(f"{node}: it is not locked", not record["locked"], record)

    def close(self):
        self.machines.close()
        self.processes.stop_all()


def suite(name, make, run, cirrata, also=Broken):
    """A suite from its beginning to its end: `run(lab, check)` with the lab that `make(cirrata, folder)` gives.

    Returns the exit code. `also` is what else means that it cannot go on.
    """
    folder = tempfile.mkdtemp(prefix=f"cirrata-{name}-test-")
    began, check, lab = time.monotonic(), Checks(), None
    try:
        lab = make(cirrata, folder)
        run(lab, check)
    except (Broken, OSError, subprocess.SubprocessError, also) as problem:
        check("the test comes to its end", False, repr(problem))
    finally:
        if lab is not None:
            lab.close()
    say(f"{time.monotonic() - began:.0f} s, {check.failed} checks failed")
    if check.failed:
        say(f"the logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0
