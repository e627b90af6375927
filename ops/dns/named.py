"""BIND with one dynamic zone, and what can go wrong with it."""
import os
import secrets
import signal
import subprocess

from lab.processes import free_port

CONFIG = """\
options {{
    directory "{folder}";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile none;
    recursion no;
    dnssec-validation no;
}};
controls {{ }};
include "{folder}/key";
zone "{zone}" {{
    type primary;
    file "{folder}/zone";
    allow-update {{ key "lab"; }};
    check-names fail;
}};
"""
ZONE = """\
$TTL 60
@ IN SOA ns.{zone}. root.{zone}. 1 3600 600 86400 60
@ IN NS ns.{zone}.
ns IN A 127.0.0.1
"""
KEY = 'key "lab" {{ algorithm hmac-sha256; secret "{secret}"; }};\n'


class Named:
    def __init__(self, processes, log, zone):
        self.processes = processes
        self.log = log
        self.zone = zone
        self.folder = f"{processes.folder}/named"
        os.mkdir(self.folder)
        self.port = free_port()
        self.key = self.write_key("key")
        self.wrong_key = self.write_key("wrong-key")
        self.write("config", CONFIG.format(folder=self.folder, port=self.port, zone=zone))
        self.write("zone", ZONE.format(zone=zone))
        self.start()

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w") as file:
            file.write(text)
        return f"{self.folder}/{name}"

    def write_key(self, name):
        # nsupdate reads only keys of the right length in base64.
        secret = subprocess.run(["base64"], input=secrets.token_bytes(32), capture_output=True, check=True).stdout
        return self.write(name, KEY.format(secret=secret.decode().strip()))

    def start(self):
        since = self.log.mark
        self.process = self.processes.start(
            "named", ["/usr/sbin/named", "-g", "-4", "-c", f"{self.folder}/config"], stderr=subprocess.PIPE, text=True)
        self.log.read("named", self.process.stderr)
        self.log.wait("named is running", lambda line: line["worker"] == "named" and line["message"].endswith(" running"),
                      since, 30)

    def kill(self):
        self.processes.kill(self.process)

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)

    def wake(self):
        self.process.send_signal(signal.SIGCONT)

    def break_zone(self):
        """Started with a zone that it cannot read, BIND answers SERVFAIL for it."""
        self.processes.stop(self.process)
        for name in ("zone", "zone.jnl"):
            if os.path.exists(f"{self.folder}/{name}"):
                os.replace(f"{self.folder}/{name}", f"{self.folder}/{name}.kept")
        self.write("zone", "this is no zone\n")
        self.start()

    def mend_zone(self):
        self.processes.stop(self.process)
        for name in ("zone", "zone.jnl"):
            if os.path.exists(f"{self.folder}/{name}.kept"):
                os.replace(f"{self.folder}/{name}.kept", f"{self.folder}/{name}")
        self.start()

    def update(self, *commands):
        """Behind everybody's back."""
        script = "\n".join([f"server 127.0.0.1 {self.port}", f"zone {self.zone}", *commands, "send", "quit", ""])
        subprocess.run(["nsupdate", "-k", self.key], input=script, text=True, check=True, timeout=20)

    def ask(self, name, kind="A"):
        """The records of a name in the zone, over TCP, so that nothing is cut."""
        done = subprocess.run(
            ["dig", "+short", "+tcp", "@127.0.0.1", "-p", str(self.port), f"{name}.{self.zone}", kind],
            capture_output=True, text=True, check=True, timeout=20)
        return sorted(done.stdout.split("\n")[:-1])
