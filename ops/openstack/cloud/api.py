"""A small client of the cloud's own API, so that what Cirrata says of the cloud is not believed but looked up."""
import http.client
import json
import urllib.error
import urllib.request

from cloud.place import ADMIN_PASSWORD, PROJECTS, URL

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Refused(Exception):
    def __init__(self, method, url, status, text):
        super().__init__(f"{method} {url}: {status} {text[:500]}")
        self.status = status
        self.text = text


class Cloud:
    """What one user sees of a project. `urls` are the roots of the services."""

    def __init__(self, user, password, project, urls):
        self.user, self.password, self.project, self.urls = user, password, project, urls
        self.token = None
        self.project_id = None

    @classmethod
    def of(cls, project):
        """Of a cloud that ops/openstack/up brought up. The administrator's project is `admin`."""
        return cls(project, ADMIN_PASSWORD if project == "admin" else PROJECTS[project], project, URL)

    def log_in(self):
        domain = {"name": "Default"}
        _, headers, body = self.send("POST", f"{self.urls['keystone']}/v3/auth/tokens", {"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": self.user, "domain": domain, "password": self.password}}},
            "scope": {"project": {"name": self.project, "domain": domain}}}}, {})
        self.token = headers["X-Subject-Token"]
        self.project_id = body["token"]["project"]["id"]

    def send(self, method, url, body, headers):
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        request = urllib.request.Request(url, data, {"Content-Type": kind, "Accept": "application/json"} | headers, method=method)
        try:
            with DIRECT.open(request, timeout=90) as answer:
                text = answer.read()
                return answer.status, answer.headers, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise Refused(method, url, error.code, error.read().decode(errors="replace")) from None

    def __call__(self, method, service, path, body=None, headers=()):
        """The answer's JSON. The path is what follows the service's own root."""
        if self.token is None:
            self.log_in()
        url = self.urls[service] + path.replace("PROJECT", self.project_id)
        for last in (False, True):
            try:
                return self.send(method, url, body, {"X-Auth-Token": self.token, **dict(headers)})[2]
            except Refused as refused:
                if refused.status != 401 or last:
                    raise
                self.log_in()
            except http.client.RemoteDisconnected:
                # A service that was started again since the connection was accepted.
                if last or method != "GET":
                    raise

    def get(self, service, path):
        return self("GET", service, path)

    # What is in the project.

    def servers(self):
        return self.listed("nova", "/v2.1/servers/detail", "servers")

    def volumes(self):
        return self.listed("cinder", "/v3/PROJECT/volumes/detail", "volumes")

    def ports(self):
        return self.listed("neutron", "/v2.0/ports", "ports")

    def listed(self, service, path, key):
        """Every page of a list."""
        found, marker = [], ""
        while True:
            page = self.get(service, f"{path}?limit=500{marker}")[key]
            found += page
            if len(page) < 500:
                return found
            marker = f"&marker={page[-1]['id']}"
