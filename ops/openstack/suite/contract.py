"""The same conversation with the real cloud and with the Sandbox's: what the Sandbox answers otherwise is its defect.

Recordings (Tests/Recordings) hold the Sandbox to what was once answered; this asks again, in states that last seconds,
because both clouds are slowed down.
"""
import json
import re

from cloud.api import Cloud, Refused
from cloud.processes import wait

LIMIT = 60
SLOW = 4
# Members that one side may lack, and why.
OPTIONAL = {
    "fault", "progress",  # depend on the moment
    "connection_info",  # what the driver of the disks says
}

# Answers that may differ, and why.
INTENDED = {
    "create server, unknown member": "Nova prints the body in the order in which it came; the Sandbox's is sorted",
}


class Side:
    """One of both clouds, and what it answered."""

    def __init__(self, cloud, has_host=lambda volume: True):
        """`has_host` tells whether Cinder's scheduler has been through with a volume, which users cannot see."""
        self.cloud = cloud
        self.has_host = has_host
        self.answers = []
        self.names = {}
        cloud.log_in()
        self.image = next(i["id"] for i in cloud.get("glance", "/v2/images")["images"] if "22.04" in i["name"])
        self.flavor = next(f["id"] for f in cloud.get("nova", "/v2.1/flavors")["flavors"] if f["name"] == "vps-ssd-1")
        self.network = next(n["id"] for n in cloud.get("neutron", "/v2.0/networks")["networks"] if n["name"] == "Ext-Net")

    def ask(self, label, method, service, path, body=None, headers=()):
        try:
            answer = self.cloud(method, service, path, body, headers)
            found = ("success", *sorted(members(answer)))
        except Refused as refused:
            answer = None
            found = (refused.status, self.plain(refused.text))
        self.answers.append((label, found))
        return answer

    def plain(self, text):
        """Without what differs by chance."""
        for number in re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", text):
            text = text.replace(number, self.names.get(number, "ID"))
        text = text.replace(self.cloud.project_id, "PROJECT")
        text = re.sub(r"req-ID", "REQUEST", text)
        text = re.sub(r"http://[^ \"<]*", "URL", text)
        try:
            return json.dumps(json.loads(text), sort_keys=True)
        except ValueError:
            return text

    def server(self, name, **more):
        return self.known("server", self.cloud("POST", "nova", "/v2.1/servers", {"server": {
            "name": name, "imageRef": self.image, "flavorRef": self.flavor, "networks": [{"uuid": self.network}]}
            | more})["server"]["id"])

    def known(self, kind, number):
        """From here on told by kind and order, not by chance."""
        self.names[number] = f"{kind}-{sum(name.startswith(kind) for name in self.names.values()) + 1}"
        return number

    def volume(self, name, size=1):
        wish = {"volume": {"name": name, "size": size}}
        return self.known("volume", self.cloud("POST", "cinder", "/v3/PROJECT/volumes", wish)["volume"]["id"])

    def reach(self, kind, number, *states):
        """Waits for a state; a server's is its status, or its task while it has one."""
        def now():
            try:
                if kind == "server":
                    found = self.cloud.get("nova", f"/v2.1/servers/{number}")["server"]
                    return found["OS-EXT-STS:task_state"] or found["status"]
                return self.cloud.get("cinder", f"/v3/PROJECT/volumes/{number}")["volume"]["status"]
            except Refused as refused:
                return refused.status

        wait(f"{kind} {number} is {' or '.join(map(str, states))}", lambda: now() in states, LIMIT)


def members(value, path=""):
    """Every path to a member, lists by their first element; metadata and addresses hold what users wrote."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in OPTIONAL:
                continue
            yield f"{path}/{key}"
            if key not in ("metadata", "addresses", "properties"):
                yield from members(inner, f"{path}/{key}")
    elif isinstance(value, list) and value:
        yield from members(value[0], f"{path}[]")


def servers(side):
    """A server in each of its states."""
    ask = side.ask
    slow = side.server("slow-1")
    path = f"/v2.1/servers/{slow}"
    volume = side.volume("v-1")
    side.reach("volume", volume, "available")
    side.reach("server", slow, "spawning")
    attach = {"volumeAttachment": {"volumeId": volume}}
    ask("get, building", "GET", "nova", path)
    ask("attach, building", "POST", "nova", f"{path}/os-volume_attachments", attach)
    ask("stop, building", "POST", "nova", f"{path}/action", {"os-stop": None})
    ask("volume after attach, building", "GET", "cinder", f"/v3/PROJECT/volumes/{volume}")
    side.reach("server", slow, "ACTIVE")
    ask("get, active", "GET", "nova", path)
    ask("get with tags, active", "GET", "nova", path, headers={"OpenStack-API-Version": "compute 2.26"}.items())
    ask("detach what is not attached", "DELETE", "nova", f"{path}/os-volume_attachments/{volume}")
    ask("interfaces", "GET", "nova", f"{path}/os-interface")
    ask("attach to two", "POST", "nova", f"{path}/os-volume_attachments", attach)
    side.reach("volume", volume, "in-use")
    ask("get, with a volume", "GET", "nova", path)
    ask("delete", "DELETE", "nova", path)
    side.reach("server", slow, "deleting", 404)
    ask("delete, deleting", "DELETE", "nova", path)
    ask("console, deleting", "POST", "nova", f"{path}/action", {"os-getConsoleOutput": {"length": 5}})
    ask("detach, deleting", "DELETE", "nova", f"{path}/os-volume_attachments/{volume}")
    ask("attachments, deleting", "GET", "nova", f"{path}/os-volume_attachments")
    side.reach("server", slow, 404)
    for label, method, tail, body in (
            ("get", "GET", "", None), ("delete", "DELETE", "", None),
            ("console", "POST", "/action", {"os-getConsoleOutput": {"length": 5}}),
            ("attach", "POST", "/os-volume_attachments", attach), ("attachments", "GET", "/os-volume_attachments", None),
            ("detach", "DELETE", f"/os-volume_attachments/{volume}", None), ("metadata", "GET", "/metadata", None),
            ("force delete", "POST", "/action", {"forceDelete": None})):
        ask(f"{label}, gone", method, "nova", f"{path}{tail}", body)
    side.reach("volume", volume, "available")
    ask("delete volume", "DELETE", "cinder", f"/v3/PROJECT/volumes/{volume}")
    side.reach("volume", volume, 404)


def volumes(side):
    """A volume in each of its states."""
    ask = side.ask
    server = side.server("slow-3")
    attachments = f"/v2.1/servers/{server}/os-volume_attachments"
    side.reach("server", server, "ACTIVE")
    volume = side.volume("slow-2")
    path, attach = f"/v3/PROJECT/volumes/{volume}", {"volumeAttachment": {"volumeId": volume}}

    def poke(state, *states):
        side.reach("volume", volume, state, *states)
        ask(f"get, {state}", "GET", "cinder", path)
        ask(f"delete, {state}", "DELETE", "cinder", path)
        ask(f"attach, {state}", "POST", "nova", attachments, attach)

    # Until then, a DELETE makes it vanish at once.
    wait(f"volume {volume} has a host", lambda: side.has_host(volume), LIMIT)
    poke("creating")
    side.reach("volume", volume, "available")
    ask("attach", "POST", "nova", attachments, attach)
    poke("attaching")
    ask("detach, attaching", "DELETE", "nova", f"{attachments}/{volume}")
    poke("in-use")
    ask("detach", "DELETE", "nova", f"{attachments}/{volume}")
    poke("detaching")
    ask("detach, detaching", "DELETE", "nova", f"{attachments}/{volume}")
    side.reach("volume", volume, "available")
    ask("delete", "DELETE", "cinder", path)
    poke("deleting")
    side.reach("volume", volume, 404)
    ask("get, gone", "GET", "cinder", path)
    ask("delete, gone", "DELETE", "cinder", path)
    ask("attach, gone", "POST", "nova", attachments, attach)
    ask("detach, gone", "DELETE", "nova", f"{attachments}/{volume}")

    # What the worker does about attachments that Nova has left behind.
    volume = side.volume("fast-3")
    path, attach = f"/v3/PROJECT/volumes/{volume}", {"volumeAttachment": {"volumeId": volume}}
    version = {"OpenStack-API-Version": "volume 3.27"}.items()
    side.reach("volume", volume, "available")
    ask("attach 3", "POST", "nova", attachments, attach)
    side.reach("volume", volume, "in-use")
    ask("attachments of a volume", "GET", "cinder", f"/v3/PROJECT/attachments?volume_id={volume}", headers=version)
    found = side.cloud.get("cinder", path)["volume"]["attachments"][0]["attachment_id"]
    ask("an attachment", "GET", "cinder", f"/v3/PROJECT/attachments/{found}", headers=version)
    ask("attachment without a microversion", "GET", "cinder", f"/v3/PROJECT/attachments/{found}")
    ask("delete an attachment that Nova uses", "DELETE", "cinder", f"/v3/PROJECT/attachments/{found}", headers=version)
    ask("os-detach of what Nova uses", "POST", "cinder", f"{path}/action", {"os-detach": {"attachment_id": found}})
    side.cloud("DELETE", "nova", f"/v2.1/servers/{server}")
    side.reach("server", server, 404)
    ask("delete an attachment that is gone", "DELETE", "cinder", f"/v3/PROJECT/attachments/{found}", headers=version)
    side.reach("volume", volume, "available")
    ask("delete 3", "DELETE", "cinder", path)
    side.reach("volume", volume, 404)


def lists(side):
    """Pages, filters, and what is no number."""
    ask = side.ask
    nowhere = "00000000-0000-4000-8000-000000000000"
    number = side.server("fast-2")
    side.reach("server", number, "ACTIVE")
    for service, path in (
            ("nova", "/v2.1/servers/detail"), ("nova", "/v2.1/flavors/detail"), ("cinder", "/v3/PROJECT/volumes/detail"),
            ("neutron", "/v2.0/networks"), ("neutron", "/v2.0/security-groups"), ("glance", "/v2/images")):
        for query in ("", "limit=1", "limit=0", "limit=-1", "limit=x", f"marker={nowhere}", "marker=x"):
            ask(f"{path}?{query}", "GET", service, f"{path}?{query}")
    for query in ("changes-since=2020-01-01T00:00:00Z", "changes-since=yesterday", "changes-since=2020-01-01T00:00:00",
                  "status=ACTIVE", "status=NONSENSE", "name=%5Efast-2%24", "name=nothing", "deleted=True",
                  "sort_key=created_at&sort_dir=asc", "ip=127", "metadata=%7B%22a%22%3A%22b%22%7D"):
        ask(f"servers?{query}", "GET", "nova", f"/v2.1/servers/detail?{query}")
    for query in ("status=available", "status=nonsense", "name=nothing", "sort=created_at:asc",
                  "metadata=%7B%22a%22%3A%22b%22%7D", "nonsense=1"):
        ask(f"volumes?{query}", "GET", "cinder", f"/v3/PROJECT/volumes/detail?{query}")
    for query in ("status=active", "name=nothing", "visibility=nonsense", "nonsense=1", "sort=name:asc"):
        ask(f"images?{query}", "GET", "glance", f"/v2/images?{query}")
    for query in ("name=Ext-Net", "name=nothing", "fields=id", "nonsense=1", "status=ACTIVE"):
        ask(f"networks?{query}", "GET", "neutron", f"/v2.0/networks?{query}")
    for service, path in (
            ("nova", "/v2.1/limits"), ("cinder", "/v3/PROJECT/limits"), ("nova", "/v2.1/os-availability-zone"),
            ("cinder", "/v3/PROJECT/os-availability-zone"), ("nova", "/v2.1/"), ("cinder", "/v3/"), ("glance", "/v2"),
            ("keystone", "/v3"), ("nova", "/v2.1/nonsense"), ("cinder", "/v3/PROJECT/nonsense"),
            ("neutron", "/v2.0/nonsense"), ("glance", "/v2/nonsense"), ("keystone", "/v3/nonsense"),
            ("nova", f"/v2.1/os-quota-sets/{side.cloud.project_id}")):
        ask(path.replace(side.cloud.project_id, "PROJECT"), "GET", service, path)
    side.cloud("DELETE", "nova", f"/v2.1/servers/{number}")
    side.reach("server", number, 404)


def wishes(side):
    """Servers and volumes that are refused."""
    def create(label, **more):
        server = {"name": "wish", "imageRef": side.image, "flavorRef": side.flavor,
                  "networks": [{"uuid": side.network}]} | more
        answer = side.ask(f"create server, {label}", "POST", "nova", "/v2.1/servers",
                          {"server": {key: value for key, value in server.items() if value is not None}})
        if answer:
            side.cloud("DELETE", "nova", f"/v2.1/servers/{answer['server']['id']}")
            side.reach("server", answer["server"]["id"], 404)

    nowhere = "00000000-0000-4000-8000-000000000000"
    create("129 metadata", metadata={f"k{number}": "v" for number in range(129)})
    create("128 metadata", metadata={f"k{number}": "v" for number in range(128)})
    create("metadata null", metadata={"a": None})
    create("metadata key with a slash", metadata={"a/b": "v"})
    create("empty metadata key", metadata={"": "v"})
    create("long metadata key", metadata={"k" * 256: "v"})
    create("no networks member", networks=None)
    create("empty networks", networks=[])
    create("network twice", networks=[{"uuid": side.network}, {"uuid": side.network}])
    create("network is no uuid", networks=[{"uuid": "Ext-Net"}])
    create("unknown security group", security_groups=[{"name": "nonsense"}])
    create("security group", security_groups=[{"name": "default"}])
    create("no security groups", security_groups=[])
    create("unknown zone", availability_zone="nonsense")
    create("zone", availability_zone="nova")
    create("user data", user_data="I2Nsb3VkLWNvbmZpZwo=")
    create("user data that is no base64", user_data="*")
    create("user data too large", user_data="A" * 65536)
    create("name with a blank at its end", name="wish ")
    create("name of blanks", name=" ")
    create("name too long", name="n" * 256)
    create("unknown flavor", flavorRef="nonsense")
    create("unknown image", imageRef=nowhere)
    create("without an image", imageRef="")
    create("unknown member", nonsense=True)
    create("config drive", config_drive=True)

    def volume(label, **more):
        wish = {"name": "wish", "size": 1} | more
        answer = side.ask(f"create volume, {label}", "POST", "cinder", "/v3/PROJECT/volumes", {"volume": wish})
        if answer:
            path = f"/v3/PROJECT/volumes/{answer['volume']['id']}"
            side.reach("volume", answer["volume"]["id"], "available", "error")
            side.cloud("DELETE", "cinder", path)
            side.reach("volume", answer["volume"]["id"], 404)

    volume("metadata", metadata={"a": "b"})
    volume("long metadata", metadata={"a": "v" * 256})
    volume("metadata null", metadata={"a": None})
    volume("empty metadata key", metadata={"": "v"})
    volume("long metadata key", metadata={"k" * 256: "v"})
    volume("size as text", size="1")
    volume("size 0", size=0)
    volume("size -1", size=-1)
    volume("size is no number", size="x")
    volume("no size", size=None)
    volume("unknown zone", availability_zone="nonsense")
    volume("zone", availability_zone="nova")
    volume("unknown type", volume_type="nonsense")
    volume("long name", name="n" * 256)
    volume("name null", name=None)
    volume("unknown member", nonsense=True)


PARTS = (servers, volumes, lists, wishes)


def compare(site):
    """The differences, one text each, and how many requests were compared."""
    root = site.sandbox.root
    real = Side(Cloud.of("other"), lambda volume: site.sql(
        f"SELECT host FROM cinder.volumes WHERE id = '{volume}' AND host IS NOT NULL"))
    ours = Side(Cloud("cirrata", "secret", "lab", {
        "keystone": f"{root}/identity", "nova": f"{root}/compute", "cinder": f"{root}/volume",
        "neutron": f"{root}/network", "glance": f"{root}/image"}))
    delay = {"match": "^slow", "delay": SLOW}
    site.plan_faults(
        nova_spawn=delay, nova_destroy=delay, nova_attach_volume=delay, cinder_create_volume=delay,
        cinder_terminate_connection=delay, cinder_delete_volume=delay)
    site.sandbox.post("control", [{"do": "timings", "timings": {name: SLOW for name in (
        "spawning", "deleting", "volume_creating", "volume_attaching", "volume_detaching", "volume_deleting")}}])
    for side in (real, ours):
        for part in PARTS:
            part(side)
    site.plan_faults()
    differences = [f"{label}: the real one {theirs}, the Sandbox {mine}"
                   for (label, theirs), (_, mine) in zip(real.answers, ours.answers, strict=True)
                   if theirs != mine and label not in INTENDED]
    return differences, len(real.answers)
