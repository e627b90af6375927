"""The lab: real beanstalkd, workers and sshd; paddles, nsupdate-web and DNS of the Sandbox; and the real cloud."""
import dataclasses
import getpass
import json
import os
import subprocess
import time
import uuid

import yaml  # Debian's, which the services themselves use

from cloud.api import Cloud
from cloud.place import CLOUDS, DRIVERS, FAULTS, PROJECTS, REGION, ROOT, SOCKET, URL
from cloud.processes import wait
from lab.beanstalk import Client
from lab.log import Log
from lab.processes import Broken, Processes, free_port
from lab.services import Beanstalkd, Sandbox, start_sandbox

DOMAIN = "front.lab.test"
PARKING = "192.0.2.1"
SITE = "openstack-suite"
OWNER = "suite@lab"
REPLIES = "suite-replies"
NODES = 60
ELSEWHERE = {
    "cirrata_site": "elsewhere", "cirrata_key": "k", "cirrata_node": "ovh002", "cirrata_put": "1", "cirrata_v": "1"}
# Each job has so long, on a machine that may be busy with other things.
LIMIT = 600

# Short pauses, so that the suite is over soon.
WORKER = {
    "lab_domain": DOMAIN, "site": SITE, "slots": 60, "retry_for": "10m", "retry_base": "200ms", "retry_cap": "3s",
    # A cast that RabbitMQ lost leaves a server in BUILD, or a volume in creating, for ever.
    "steps": {"wait-active": {"timeout": "3m"}, "attach-volumes": {"timeout": "3m"}}, "capacity_wait": "10m", "capacity_delay": "2s", "drain_grace": "10s", "http": {"timeout": "20s"},
    "log": {"format": "json", "level": "debug"},
}
SSHD = """\
Port {port}
ListenAddress 0.0.0.0
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/login.pub
ForceCommand {drivers}/host/login {booted} 2
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PrintMotd no
MaxStartups 200
"""


@dataclasses.dataclass
class Job:
    number: int
    key: str
    action: str
    node: str
    volumes: int
    reply: dict | None = None

    @property
    def outcome(self):
        return self.reply and self.reply["outcome"]


class Site:
    def __init__(self, cirrata, folder):
        self.cirrata = cirrata
        self.folder = folder
        self.processes = Processes(folder)
        self.log = Log(folder)
        self.jobs = []
        self.workers = {}
        self.environment = os.environ | {"OS_CLIENT_CONFIG_FILE": CLOUDS}
        self.beanstalkd = Beanstalkd(self.processes, folder)
        addresses = start_sandbox(
            self.processes, cirrata,
            {"seed": 1, "domain": DOMAIN, "nodes": [{"machine_type": "ovh", "count": NODES}]})
        self.sandbox = Sandbox(addresses["sandbox"])
        self.start_sshd()
        login = {"username": "teuthology", "password": PROJECTS["teuthology"], "ex_tenant_name": "teuthology",
                 "ex_force_auth_url": URL["keystone"], "ex_force_auth_version": "3.x_password",
                 "ex_force_service_region": REGION}
        common = WORKER | {
            "lock_server": f"{self.sandbox.root}/paddles/", "nsupdate_url": f"{self.sandbox.root}/nsupdate/update",
            "broker": f"127.0.0.1:{self.beanstalkd.port}", "dns": {"server": addresses["dns"]},
            "ssh": {"user": getpass.getuser(), "port": self.ssh_port, "identity_file": f"{folder}/login",
                    "authorized_keys": [f"{folder}/login.pub"], "known_hosts_folder": f"{folder}/known_hosts"}}
        # One finds the cloud as openstacksdk would, the other as teuthology would.
        for name, way in (("w1", {"cloud": "teuthology"}), ("w2", {"driver_args": login})):
            self.write_config(name, common | {"libcloud": {"providers": {
                "ovh": {"driver": "openstack", "allow_networks": ["Ext-Net$"]} | way}}})
        self.cloud, self.admin = Cloud.of("teuthology"), Cloud.of("admin")
        self.cloud.log_in()
        self.admin.log_in()

    def write_config(self, name, document):
        with os.fdopen(os.open(f"{self.folder}/{name}.yaml", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file)

    def start_sshd(self):
        for name in ("host_key", "login"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "suite", "-f", f"{self.folder}/{name}"],
                           check=True)
        with open(f"{self.folder}/host_key.pub") as file:
            self.host_key = " ".join(file.read().split()[:2])
        self.ssh_port = free_port()
        os.makedirs("/run/sshd", exist_ok=True)
        with open(f"{self.folder}/sshd_config", "w") as file:
            file.write(SSHD.format(port=self.ssh_port, folder=self.folder, drivers=DRIVERS, booted=f"{ROOT}/booted"))
        # sshd wants to be called by its full path.
        process = self.processes.start(
            "sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", f"{self.folder}/sshd_config"], stderr=subprocess.PIPE, text=True)
        self.log.read("sshd", process.stderr)
        self.log.wait("sshd listens", lambda line: "Server listening" in line["message"], 0)

    # Workers.

    def start_worker(self, name):
        process = self.processes.start(
            name, [self.cirrata, "worker", "--config", f"{self.folder}/{name}.yaml"], env=self.environment,
            stderr=subprocess.PIPE, text=True)
        self.log.read(name, process.stderr)
        self.workers[name] = process

    def kill_worker(self, name):
        self.workers[name].kill()
        self.processes.kill(self.workers.pop(name))

    def run(self, *arguments, config="w1", seconds=LIMIT):
        """A command of cirrata's: (exit status, what it wrote)."""
        done = subprocess.run(
            [self.cirrata, *arguments, "--config", f"{self.folder}/{config}.yaml"], env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
            check=False)
        return done.returncode, done.stdout

    # Jobs.

    def put(self, action, node, volumes=0, size=10, **more):
        key = str(uuid.uuid4())
        body = {"action": action, "node": node, "owner": OWNER, "uuid": key, "reply_to": REPLIES} | more
        body |= {"lock": True, "volumes": {"count": volumes, "size": size}} if action == "provision" else {"unlock": True}
        with Client(self.beanstalkd.port) as client:
            number = client.put(f"cirrata.{action}.ovh", json.dumps(body).encode())
        job = Job(number, key, action, node, volumes)
        self.jobs.append(job)
        return job

    def provision(self, node, volumes=0, **more):
        return self.put("provision", node, volumes, **more)

    def destroy(self, node):
        return self.put("destroy", node)

    def end(self, *jobs, seconds=LIMIT):
        """Waits for the replies of these jobs, and until the broker has nothing left to do."""
        deadline = time.monotonic() + seconds
        with Client(self.beanstalkd.port, timeout=seconds + 10) as client:
            client.call(f"watch {REPLIES}")
            client.call("ignore default")
            while not all(job.reply for job in jobs):
                words, body = client.call(f"reserve-with-timeout {max(0, int(deadline - time.monotonic()))}")
                if words[0] != "RESERVED":
                    missing = ", ".join(f"{job.action} {job.node}" for job in jobs if not job.reply)
                    raise Broken(f"not ended within {seconds} s: {missing}")
                reply = yaml.safe_load(body)
                for job in self.jobs:
                    if job.key == reply["key"]:
                        job.reply = reply
                client.call(f"delete {words[1]}")
        return [job.outcome for job in jobs]

    def replies(self):
        """How many wait to be read."""
        with Client(self.beanstalkd.port) as client:
            return client.tube(REPLIES)["ready"]

    def rest(self, seconds=LIMIT):
        """Until every job is settled."""
        with Client(self.beanstalkd.port) as client:
            wait("the queue is empty", lambda: not any(
                client.tube(f"cirrata.{action}.ovh")[state] for action in ("provision", "destroy")
                for state in ("ready", "reserved", "delayed")), seconds)

    # The cloud.

    def plan_faults(self, **faults):
        """{"nova_spawn": {…}}: see drivers/cirrata_faults.py. Without any, all are lifted."""
        with open(f"{FAULTS}.new", "w") as file:
            json.dump({name.replace("_", ".", 1): fault for name, fault in faults.items()}, file)
        os.replace(f"{FAULTS}.new", FAULTS)

    def set_quota(self, **limits):
        """By nova's, cinder's and neutron's names; those that are not given have no limit."""
        project = self.cloud.project_id
        for service, path, key, names in (
                ("nova", f"/v2.1/os-quota-sets/{project}", "quota_set", ("instances", "cores", "ram")),
                ("cinder", f"/v3/PROJECT/os-quota-sets/{project}", "quota_set", ("volumes", "gigabytes")),
                ("neutron", f"/v2.0/quotas/{project}", "quota", ("port",))):
            self.admin("PUT", service, path, {key: {name: limits.get(name, -1) for name in names}})

    def clear(self):
        """Removes whatever an earlier run, interrupted, has left."""
        for server in self.cloud.servers():
            self.cloud("DELETE", "nova", f"/v2.1/servers/{server['id']}")
        wait("no server is left", lambda: not self.cloud.servers(), LIMIT)
        for volume in self.cloud.volumes():
            self.remove_volume(volume["id"])
        wait("no volume is left", lambda: not self.cloud.volumes(), LIMIT)

    def remove_volume(self, number):
        """As an administrator does with one that Cinder has given up."""
        for action in ({"os-reset_status": {"status": "error", "attach_status": "detached"}}, {"os-force_delete": {}}):
            self.admin("POST", "cinder", f"/v3/PROJECT/volumes/{number}/action", action)

    def add_foreign(self):
        """Of a node's name: one server and volume without a mark, and one of each with the mark of another site."""
        def named(things, name):
            return next(thing["id"] for thing in things if thing["name"] == name)

        image = named(self.cloud.get("glance", "/v2/images")["images"], "debian 12")
        flavor = named(self.cloud.get("nova", "/v2.1/flavors")["flavors"], "vps-ssd-1")
        for name, metadata in (("ovh001", {}), ("ovh002", ELSEWHERE)):
            self.cloud("POST", "nova", "/v2.1/servers", {"server": {
                "name": name, "imageRef": image, "flavorRef": flavor, "metadata": metadata}})
            self.cloud("POST", "cinder", "/v3/PROJECT/volumes", {"volume": {
                "name": f"{name}_0", "size": 1, "metadata": metadata}})
        # One in ERROR never gets there.
        wait("the foreign servers are built", lambda: all(
            server["status"] != "BUILD" for server in self.cloud.servers()), LIMIT)
        broken = [server.get("fault") for server in self.cloud.servers() if server["status"] != "ACTIVE"]
        if broken:
            raise Broken(f"the foreign servers are not built: {broken}")
        wait("the foreign volumes are there", lambda: all(
            volume["status"] == "available" for volume in self.cloud.volumes()), LIMIT)

    def sql(self, statement):
        """What no API can do or tell: make things older, see a volume's host. Returns the rows as text."""
        return subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={SOCKET}", "--user=root", "--batch", "--skip-column-names",
             "--execute", statement], check=True, stdout=subprocess.PIPE, text=True).stdout

    def close(self):
        self.processes.stop_all()
