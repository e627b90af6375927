"""beanstalkd and the Sandbox as processes."""
import json
import os
import queue
import socket
import subprocess
import time
import urllib.error
import urllib.request

from lab.processes import Broken, follow, free_port


class Beanstalkd:
    """A beanstalkd with a binlog of its own, on a free port that it keeps over restarts."""

    def __init__(self, processes, folder):
        self.processes = processes
        self.binlog = f"{folder}/binlog"
        self.process = None
        os.mkdir(self.binlog, 0o700)
        for _ in range(3):
            self.port = free_port()
            if self.start():
                return
        raise Broken("beanstalkd does not start: " + processes.log("beanstalkd"))

    def start(self):
        """Returns whether it accepts connections."""
        self.process = self.processes.start(
            "beanstalkd", ["beanstalkd", "-l", "127.0.0.1", "-p", str(self.port), "-b", self.binlog])
        deadline = time.monotonic() + 5
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                time.sleep(0.02)
        self.processes.stop(self.process)
        return False

    def kill(self):
        self.processes.kill(self.process)


def start_sandbox(processes, cirrata, settings, name="sandbox", dns_port=0):
    """Returns what it prints: the addresses of `sandbox`, `dns` and `ssh`."""
    path = f"{processes.folder}/{name}.json"
    with open(path, "w") as file:
        json.dump(settings, file)
    process = processes.start(
        name, [cirrata, "sandbox", "--settings", path, "--port", "0", "--dns-port", str(dns_port), "--ssh-banner", "0"],
        stdout=subprocess.PIPE, text=True)
    lines = queue.Queue()
    follow(process.stdout, lines.put)
    answers = {}
    while len(answers) < 3:
        try:
            key, value = lines.get(timeout=10).split(": ", 1)
        except (queue.Empty, ValueError):
            raise Broken("the Sandbox does not start: " + processes.log(name)) from None
        answers[key] = value
    return answers


class Sandbox:
    """The Sandbox's own interface (Sources/Sandbox/State/SandboxState+Control.swift)."""

    def __init__(self, root):
        self.root = root

    def get(self, path):
        with urllib.request.urlopen(f"{self.root}/sandbox/{path}", timeout=10) as answer:
            return json.load(answer)

    def post(self, path, body):
        request = urllib.request.Request(
            f"{self.root}/sandbox/{path}", data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def delete(self, path):
        """Returns whether there was such a thing."""
        try:
            urllib.request.urlopen(
                urllib.request.Request(f"{self.root}/sandbox/{path}", method="DELETE"), timeout=10).close()
            return True
        except urllib.error.HTTPError:
            return False

    def state(self):
        return self.get("state")
