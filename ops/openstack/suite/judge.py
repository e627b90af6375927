"""The invariants of the README's section "Reliability", judged by the cloud's own API, paddles, DNS and the broker.

Every function returns what is wrong. The site has to be at rest.
"""
import collections
import hashlib

import yaml

from lab.beanstalk import Client
from suite.site import DOMAIN, PARKING, SITE


def looks(thing):
    """What must not change of something that is not ours."""
    return {key: thing[key] for key in ("name", "status", "metadata", "addresses", "attachments") if key in thing}


class Judge:
    def __init__(self, site):
        self.site = site
        self.foreign = {}

    def note_foreign(self):
        """All that is in the project before the first job."""
        things = self.site.cloud.servers() + self.site.cloud.volumes()
        self.foreign = {thing["id"]: looks(thing) for thing in things}
        self.ports = {port["id"] for port in self.site.cloud.ports()}

    def verdict(self):
        state = self.site.sandbox.state()
        self.nodes = {record["name"].split(".")[0]: record for record in state["nodes"]}
        self.records = state["dns"]["records"]
        everything = self.site.cloud.servers(), self.site.cloud.volumes()
        self.servers, self.volumes = ([thing for thing in things if thing["id"] not in self.foreign]
                                      for things in everything)
        self.things = {thing["id"]: thing for things in everything for thing in things}
        # {node: the provision whose server it has to have}
        self.built = {}
        for job in self.site.jobs:
            if job.action == "destroy" and job.reply:
                self.built.pop(job.node, None)
            elif job.outcome == "done":
                self.built[job.node] = job
        with Client(self.site.beanstalkd.port) as client:
            self.stats = {job.number: client.stats(f"stats-job {job.number}") for job in self.site.jobs}
            self.bodies = {job.number: client.peek(job.number) for job in self.site.jobs}
        with Client(self.site.beanstalkd.port) as client:
            self.reports = [yaml.safe_load(body) for _, body in client.read("cirrata.reports")]
        wrong = []
        for name in ("i1", "i2", "i3", "i4", "i7_i8"):
            wrong += [f"{name.upper().replace('_', ', ')}: {text}" for text in getattr(self, name)()]
        return wrong

    def i1(self):
        for job in self.site.jobs:
            stats = self.stats[job.number]
            if not job.reply:
                yield f"{job} was never answered: {stats}"
            if stats is None:
                continue
            digest = hashlib.sha256(self.bodies[job.number]).hexdigest()
            if stats["state"] != "buried":
                yield f"{job} is {stats['state']}"
            elif not any(report["id"] == job.number and report["digest"] == digest for report in self.reports):
                yield f"{job} is buried without a report"

    def i2(self):
        for node, job in self.built.items():
            servers = [server for server in self.servers if server["metadata"].get("cirrata_node") == node]
            if len(servers) != 1 or servers[0]["metadata"]["cirrata_key"] != job.key:
                yield f"{node} has no server of {job.key}, but {[(s['id'], s['metadata']) for s in servers]}"
                continue
            server = servers[0]
            if server["status"] != "ACTIVE" or server["id"] != job.reply["server"]["id"]:
                yield f"{node}: server {server['id']} is {server['status']}, the reply says {job.reply['server']}"
                continue
            address = server["addresses"]["Ext-Net"][0]
            volumes = [v for v in self.volumes if v["metadata"].get("cirrata_key") == job.key]
            attached = [v for v in volumes if v["status"] == "in-use"
                        and [a["server_id"] for a in v["attachments"]] == [server["id"]]]
            names = [f"{node}_{index}" for index in range(job.volumes)]
            if len(volumes) != job.volumes or sorted(v["name"] for v in attached) != names:
                yield f"{node}: {names} were wanted, there are {[(v['name'], v['status']) for v in volumes]}"
            if self.addresses(node) != [address["addr"]]:
                yield f"{node}: DNS says {self.addresses(node)}, the server has {address['addr']}"
            record = self.nodes[node]
            if (record["mac_address"] != address["OS-EXT-IPS-MAC:mac_addr"] or not record["os_type"] or not record["up"]
                    or record["ssh_pub_key"] != self.site.host_key):
                yield f"{node}: paddles does not describe server {server['id']}: {record}"

    def i3(self):
        for thing in self.servers + self.volumes:
            owner = next((job for job in self.site.jobs if job.key == thing["metadata"].get("cirrata_key")), None)
            if owner is None or self.built.get(owner.node) is not owner:
                yield f"{thing['name']} {thing['id']} ({thing['status']}) is left of {owner}"
        alive = {server["id"] for server in self.servers}
        for port in self.site.cloud.ports():
            if port["id"] not in self.ports and port["device_id"] not in alive:
                yield f"port {port['id']} is left of server {port['device_id']}"
        for node, record in self.nodes.items():
            if record["locked"] and (record["description"] or "").startswith("cirrata:"):
                yield f"{node} is still locked by us: {record['description']}"
            if node not in self.built and (record["mac_address"] or record["os_type"]):
                yield f"{node} has no server, and paddles says {record}"
            if node not in self.built and self.addresses(node) not in ([], [PARKING]):
                yield f"{node} has no server, and DNS says {self.addresses(node)}"

    def i4(self):
        for node, count in collections.Counter(s["metadata"].get("cirrata_node") for s in self.servers).items():
            if count > 1:
                yield f"{node} has {count} servers"
        for number, before in self.foreign.items():
            thing = self.things.get(number)
            if thing is None or looks(thing) != before:
                yield f"{before['name']} {number} is not ours ({SITE}) and is now {thing and looks(thing)}"

    def i7_i8(self):
        """A committed server is there as long as no job of its node was put later that has ended."""
        for position, job in enumerate(self.site.jobs):
            if job.action != "provision" or job.outcome != "done":
                continue
            if not any(later.node == job.node and later.reply for later in self.site.jobs[position + 1:]):
                if job.reply["server"]["id"] not in self.things:
                    yield f"the server of {job} was committed and is gone, and no newer job had the node"

    def addresses(self, node):
        return [record.split()[1] for record in self.records.get(f"{node}.{DOMAIN}", [])]
