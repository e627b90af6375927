"""What is in the cloud when it is up: users and catalog; images, flavors and the network. Each is made if missing."""
import ipaddress
import urllib.parse

from cloud.place import NETWORK, PROJECTS, REGION, SERVICE_PASSWORD, URL
from cloud.processes import wait

CATALOG = [
    ("image", "glance", URL["glance"]), ("network", "neutron", URL["neutron"]),
    ("placement", "placement", URL["placement"]), ("compute", "nova", f"{URL['nova']}/v2.1"),
    ("volumev3", "cinderv3", f"{URL['cinder']}/v3/$(project_id)s"),
    ("block-storage", "cinder", f"{URL['cinder']}/v3/$(project_id)s"),
]
IMAGES = [("ubuntu-22.04", "ubuntu", "22.04"), ("centos 9.stream", "centos", "9.stream"), ("debian 12", "debian", "12")]
# name, processors, MB, GB: as OVH names them.
FLAVORS = [
    ("vps-ssd-1", 1, 2000, 10), ("vps-ssd-2", 1, 8000, 40), ("vps-ssd-3", 4, 16000, 80), ("win-ssd-2", 1, 8000, 50),
    ("hg-30-ssd", 8, 30000, 400),
]


class Contents:
    def __init__(self, admin):
        self.admin = admin

    def ensured(self, collection, kind, match, more):
        query = urllib.parse.urlencode(match)
        found = self.admin.get("keystone", f"/v3/{collection}?{query}")[collection]
        if found:
            return found[0]["id"]
        return self.admin("POST", "keystone", f"/v3/{collection}", {kind: match | more})[kind]["id"]

    def project(self, name):
        return self.ensured("projects", "project", {"name": name, "domain_id": "default"}, {})

    def user(self, name, password, project, roles):
        user = self.ensured("users", "user", {"name": name, "domain_id": "default"}, {"password": password})
        for role in roles:
            self.admin("PUT", "keystone",
                       f"/v3/projects/{project}/users/{user}/roles/{self.ensured('roles', 'role', {'name': role}, {})}")

    def identity(self):
        service = self.project("service")
        for name in ("nova", "glance", "placement", "neutron", "cinder"):
            self.user(name, SERVICE_PASSWORD, service, ["admin", "service"])
        for name, password in PROJECTS.items():
            self.user(name, password, self.project(name), ["member", "reader"])
        for kind, name, url in CATALOG:
            number = self.ensured("services", "service", {"type": kind}, {"name": name})
            for interface in ("public", "internal", "admin"):
                self.ensured(
                    "endpoints", "endpoint", {"service_id": number, "interface": interface, "region_id": REGION},
                    {"url": url})

    def compute_host(self):
        self.await_host("nova", "/v2.1/os-services", "nova-compute")

    def volume_host(self):
        self.await_host("cinder", "/v3/PROJECT/os-services", "cinder-volume")

    def await_host(self, service, path, binary):
        """Over the databases of an earlier run, schedulers take a host for dead until it reports for the first time."""
        wait(f"{binary} is up", lambda: any(
            found["binary"] == binary and found["state"] == "up" for found in self.admin.get(service, path)["services"]), 60)

    def images(self):
        names = {image["name"] for image in self.admin.get("glance", "/v2/images?limit=200")["images"]}
        for name, system, version in IMAGES:
            if name not in names:
                image = self.admin("POST", "glance", "/v2/images", {
                    "name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public",
                    "os_distro": system, "os_version": version})["id"]
                # The fake hypervisor reads none of it.
                self.admin("PUT", "glance", f"/v2/images/{image}/file", b"\0" * 1024)

    def flavors(self):
        names = {flavor["name"] for flavor in self.admin.get("nova", "/v2.1/flavors?is_public=None")["flavors"]}
        for name, processors, memory, disk in FLAVORS:
            if name not in names:
                self.admin("POST", "nova", "/v2.1/flavors", {
                    "flavor": {"name": name, "vcpus": processors, "ram": memory, "disk": disk}})

    def network(self):
        if self.admin.get("neutron", "/v2.0/networks?name=Ext-Net")["networks"]:
            return
        network = self.admin("POST", "neutron", "/v2.0/networks", {"network": {
            # Everybody's, as the networks of public clouds are.
            "name": "Ext-Net", "shared": True, "provider:network_type": "flat",
            "provider:physical_network": "public"}})["network"]["id"]
        addresses = ipaddress.ip_network(NETWORK)
        self.admin("POST", "neutron", "/v2.0/subnets", {"subnet": {
            "network_id": network, "name": "Ext-Net", "ip_version": 4, "cidr": NETWORK,
            # Neutron refuses DHCP on loopback addresses.
            "enable_dhcp": False, "gateway_ip": None,
            "allocation_pools": [{"start": str(addresses[10]), "end": str(addresses[-2])}]}})
