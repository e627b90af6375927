"""The lab in which a storm happens: beanstalkd, the Sandbox, and workers that reach both only through proxies."""
import json
import os
import secrets
import signal
import time
import urllib.request

from lab.processes import Processes
from lab.services import Beanstalkd, Sandbox, start_sandbox
from storm.proxy import Proxies
from storm.wire import BrokerReader, WebReader

DOMAIN = "front.lab.test"
PARKING = "192.0.2.1"
SITE = "storm"
LEASE = 10
ROOM = {name: -1 for name in ("instances", "cores", "ram", "ports", "volumes", "gigabytes")}

SANDBOX = {
    "domain": DOMAIN, "addresses": "127.77.0.0/16", "boot": 2.5, "quotas": ROOM,
    "allow_hosts": "(ovh|pool|iron)[0-9]+$",
    "timings": {
        "deleting": 0.6, "deleted_visible": 0.2, "volume_creating": 0.5, "volume_reserved": 0.1,
        "volume_attaching": 0.3, "volume_detaching": 0.3, "volume_deleting": 0.3, "jitter": 0.3,
    },
}

# Short times, so that a minute holds much. The limits of the rates are a lab's, not OVH's.
WORKER_YAML = """\
lab_domain: {domain}
lock_server: {web}/paddles/
nsupdate_url: {web}/nsupdate/update
site: {site}
broker: 127.0.0.1:{broker}
slots: 16
lease: {lease}s
retry_for: 3m
retry_base: 200ms
retry_cap: 3s
capacity_wait: 3m
capacity_delay: 1s
drain_grace: 3s
reserve_machines: 0
# The storm's jobs that can never work have causes in common; the brake has tests of its own.
burial_brake: {{count: 50, within: 10s}}
sweep:
  interval: 3s
http:
  timeout: 4s
dns:
  server: {dns}
ssh:
  port: {ssh_port}
  check_host_keys: false
  check_sentinel: false
  known_hosts_folder: {folder}/known_hosts
log:
  format: json
  level: debug
libcloud:
  providers:
    ovh: &cloud
      driver: openstack
      driver_args:
        username: cirrata
        password: {password}
        ex_force_auth_url: {web}/identity
        ex_force_auth_version: 3.x_password
        ex_tenant_name: lab
        # The proxies' addresses instead of the catalog's.
        ex_force_base_url: {compute}
        ex_force_image_url: {image}
        ex_force_network_url: {network}
        ex_force_volume_url: {volume}
      allow_networks: ['Ext-Net$']
      rate:
        identity: {{per_second: 20, burst: 20}}
        compute: {{per_second: 60, burst: 60}}
        volume: {{per_second: 60, burst: 60}}
    pool: *cloud
"""


class Worker:
    """One worker's place: its configuration and its ways. Processes come and go."""

    def __init__(self, site, number):
        self.site = site
        self.number = number
        self.name = f"w{number + 1}"
        # Every hold that any of its processes ever had.
        self.holds = []
        self.broker = site.proxies.link(site.beanstalkd.port, lambda: BrokerReader(self.holds))
        self.web = site.proxies.link(site.web_port, lambda: WebReader(site.secrets))
        self.config = f"{site.folder}/{self.name}.yaml"
        self.process = None
        self.started = 0.0
        self.stopped_since = None
        # [(from, to)] during which its process stood still.
        self.stops = []
        # Process ids with the exit statuses that were asked for by SIGTERM.
        self.statuses = []
        # Process ids with the exit statuses that nobody asked for.
        self.deaths = []

    def write_config(self, text):
        with os.fdopen(os.open(self.config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)

    @property
    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        if not self.is_alive:
            self.note_death()
            self.process = self.site.processes.start(
                self.name, [self.site.cirrata, "worker", "--config", self.config])
            self.started = time.monotonic()

    def note_death(self):
        if self.process is not None and self.process.poll() is not None:
            self.deaths.append((self.process.pid, self.process.returncode))
            self.process = None

    def kill(self):
        self.wake()
        self.note_death()
        if self.process is not None:
            self.site.processes.kill(self.process)
        self.process = None

    def stop(self):
        if self.is_alive and self.stopped_since is None:
            self.process.send_signal(signal.SIGSTOP)
            self.stopped_since = time.monotonic()

    def wake(self):
        if self.stopped_since is None:
            return
        self.stops.append((self.stopped_since, time.monotonic()))
        self.stopped_since = None
        if self.is_alive:
            self.process.send_signal(signal.SIGCONT)

    def drain(self, patience=15):
        """SIGTERM and its end; the status is part of the evidence."""
        self.note_death()
        if self.is_alive:
            self.wake()
            age = time.monotonic() - self.started
            status = self.site.processes.stop(self.process, patience)
            # Before it listens to signals, SIGTERM ends a process as it ends any other.
            if not (status == -signal.SIGTERM and age < 1):
                self.statuses.append((self.process.pid, status))
        self.process = None


class Site:
    def __init__(self, cirrata, folder, seed, workers, nodes):
        self.cirrata = cirrata
        self.folder = folder
        self.processes = Processes(folder)
        self.proxies = Proxies()
        # Whatever must never be written down: grows with every token that passes.
        self.password = "pw-" + secrets.token_hex(12)
        self.secrets = {self.password}
        self.beanstalkd = Beanstalkd(self.processes, folder)
        settings = SANDBOX | {
            "seed": seed,
            "nodes": [
                {"machine_type": "ovh", "count": nodes["ovh"] + 1},
                {"machine_type": "ovh", "prefix": "bad", "count": nodes["bad"]},
                {"machine_type": "ovh", "prefix": "iron", "count": nodes["iron"]},
                # Fewer than jobs that claim one, so that some must wait.
                {"machine_type": "pool", "count": 6},
            ],
        }
        self.addresses = start_sandbox(self.processes, cirrata, settings)
        self.sandbox = Sandbox(self.addresses["sandbox"])
        self.web_port = int(self.addresses["sandbox"].rsplit(":", 1)[1])
        self.prepare(nodes)
        self.workers = [Worker(self, number) for number in range(workers)]
        endpoints = self.endpoints()
        for worker in self.workers:
            web = f"http://127.0.0.1:{worker.web.port}"
            own = {name: url.replace(self.addresses["sandbox"], web) for name, url in endpoints.items()}
            worker.write_config(WORKER_YAML.format(
                domain=DOMAIN, site=SITE, web=web, broker=worker.broker.port, lease=LEASE, folder=folder,
                password=self.password, dns=self.addresses["dns"],
                ssh_port=self.addresses["ssh"].rsplit(":", 1)[1], **own))

    def prepare(self, nodes):
        """What is there before the storm: a password of its own, machines that are none, and what is foreign."""
        foreign = {"cirrata_site": "elsewhere", "cirrata_key": "k", "cirrata_put": "1", "cirrata_v": "1"}
        stranger = f"ovh{nodes['ovh'] + 1:03}"
        self.control(
            {"do": "set-password", "user": "cirrata", "password": self.password},
            # Of a node's name without a mark, and of another site with the name and node of one of ours.
            {"do": "add-server", "name": "ovh001"},
            {"do": "add-server", "name": "ovh002", "metadata": foreign | {"cirrata_node": "ovh002"}},
            {"do": "add-volume", "name": "ovh001_0"},
            {"do": "add-volume", "name": "ovh002_0", "metadata": foreign | {"cirrata_node": "ovh002"}},
            {"do": "add-server", "name": stranger},
            *({"do": "set-node", "name": f"iron{number:03}.{DOMAIN}", "fields": {"is_vm": False}}
              for number in range(1, nodes["iron"] + 1)))
        state = self.sandbox.state()
        self.foreign = {thing["id"]: thing for thing in state["servers"] + state["volumes"]}

    def control(self, *commands):
        return self.sandbox.post("control", list(commands))

    def endpoints(self):
        """{service: URL} as the catalog says them."""
        body = {"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "cirrata", "domain": {"name": "Default"}, "password": self.password}}},
            "scope": {"project": {"name": "lab", "domain": {"name": "Default"}}}}}
        request = urllib.request.Request(
            f"{self.addresses['sandbox']}/identity/v3/auth/tokens", data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            catalog = json.load(answer)["token"]["catalog"]
        names = {"compute": "compute", "image": "image", "network": "network", "volumev3": "volume"}
        return {
            names[service["type"]]: next(e["url"] for e in service["endpoints"] if e["interface"] == "public")
            for service in catalog if service["type"] in names}

    def close(self):
        for worker in getattr(self, "workers", []):
            worker.wake()
        self.processes.stop_all()
        self.proxies.close()
