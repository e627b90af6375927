"""Stands in for nsupdate-web (ab1efbc), as far as the recordings show it: HTTP/1.0 without lengths, GET only, a table of
what it believes to have written, and the real nsupdate, of which it reads what it prints and never how it ends.
"""
import http.server
import ipaddress
import re
import subprocess
import threading
import urllib.parse


class Bridge:
    def __init__(self, named, allowed):
        self.named = named
        self.allowed = allowed
        self.program = "nsupdate"
        self.key = named.key
        self.timeout = 3
        self.believed = {}
        # What it answered, one text each.
        self.answers = []
        bridge = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                bridge.handle(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/update"

    def handle(self, request):
        status, text = self.answer(urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query))
        self.answers.append(f"{status} {text}")
        request.send_response(status)
        request.end_headers()
        request.wfile.write(text.encode())

    def answer(self, query):
        name = query.get("name", [""])[0]
        if not name:
            return 400, "Must specify 'name'"
        if not re.match(self.allowed, name):
            return 403, f"{name} does not match the allow_hosts regex"
        try:
            addresses = {ipaddress.ip_address(text.strip()) for text in query.get("ip", [])}
        except ValueError as error:
            return 400, f"broken address\n{error}"
        if not addresses:
            return 400, "no address"
        if self.believed.get(name) == addresses:
            return 200, "no-change"
        full = f"{name}.{self.named.zone}"
        script = "\n".join([
            f"server 127.0.0.1 {self.named.port}", f"zone {self.named.zone}", f"update delete {full}",
            *(f"update add {full} 60 {'A' if address.version == 4 else 'AAAA'} {address}" for address in addresses),
            "send", "quit"])
        try:
            done = subprocess.run(
                [self.program, "-k", self.key], input=script, capture_output=True, text=True, timeout=self.timeout,
                check=False)
        except subprocess.TimeoutExpired:
            return 500, "timeout"
        if done.stderr:
            return 500, done.stderr
        self.believed[name] = addresses
        return 200, "success"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
