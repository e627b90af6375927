"""Real machines behind the servers of the Sandbox (see machine.py)."""
import json
import os
import subprocess
import sys
import threading

OS_RELEASE = 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\nVERSION_CODENAME=jammy\n'


def loopback(server):
    """Its address on this host; others of it are in networks that do not exist."""
    return next(entry["address"] for entry in server["addresses"] if entry["address"].startswith("127."))


class Machines:
    """Every server that becomes ACTIVE gets a machine at its address, and loses it with the server."""

    def __init__(self, processes, log, sandbox):
        self.processes = processes
        self.log = log
        self.sandbox = sandbox
        # What is peculiar about a node's machine: keys of machine.json.
        self.peculiar = {}
        # Called with the address before a node's machine starts.
        self.before_boot = {}
        # {id of the server: process}
        self.running = {}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        while not self.ended.wait(0.1):
            servers = {server["id"]: server for server in self.sandbox.state()["servers"]}
            for server in set(self.running) - set(servers):
                self.processes.kill(self.running.pop(server))
            for server in servers.values():
                if server["status"] == "ACTIVE" and server["id"] not in self.running:
                    self.running[server["id"]] = self.boot(server)

    def boot(self, server):
        folder, name = f"{self.processes.folder}/{server['id']}", server["name"]
        address = loopback(server)
        os.mkdir(folder)
        self.before_boot.get(name, lambda _: None)(address)
        settings = {"address": address, "user_data": server["user_data"], "os_release": OS_RELEASE}
        settings |= self.peculiar.get(name, {})
        with open(f"{folder}/machine.json", "w") as file:
            json.dump(settings, file)
        process = self.processes.start(
            name, ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--", sys.executable,
                   f"{os.path.dirname(__file__)}/machine.py", folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.log.read(name, process.stdout)
        return process

    def tell(self, server, order):
        process = self.running[server]
        process.stdin.write(f"{order}\n")
        process.stdin.flush()

    def close(self):
        self.ended.set()
        self.thread.join()
