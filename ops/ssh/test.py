"""Provisions of nodes with real machines behind them, good ones and bad ones (see ops/ssh/test)."""
import json
import os
import re
import select
import shutil
import sys
import uuid

OPS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, OPS)
import yaml

from lab.beanstalk import Client
from lab.bench import DOMAIN, LIMIT, Bench, suite
from lab.machines import loopback
from lab.processes import Broken
from lab.terminal import headline

OWNER = "ssh@lab"

# A program that stops after it has done its work, once, if a file says so; only with an answer of this kind.
HOLDING = """\
#!/bin/sh
out=$({program} "$@")
status=$?
[ -z "$out" ] || printf '%s\\n' "$out"
for word; do
    case $out in *{answer}*)
        if rm "{folder}/hold-{name}-$word" 2>/dev/null; then
            echo "$word" >"{folder}/held"
            read -r _ <"{folder}/release"
        fi ;;
    esac
done
exit $status
"""


class Lab(Bench):
    def __init__(self, cirrata, folder):
        super().__init__(cirrata, folder, nodes=8)
        self.environment["PATH"] = f"{folder}/bin:{os.environ['PATH']}"
        for fifo in ("held", "release"):
            os.mkfifo(f"{folder}/{fifo}")
        # Open at both ends, so that opening never waits.
        self.held, self.release = (os.open(f"{folder}/{fifo}", os.O_RDWR) for fifo in ("held", "release"))
        os.mkdir(f"{folder}/bin")
        for name, answer in (("ssh", "sentinel=yes"), ("ssh-keyscan", "ssh-")):
            text = HOLDING.format(program=shutil.which(name), name=name, answer=answer, folder=folder)
            with os.fdopen(os.open(f"{folder}/bin/{name}", os.O_WRONLY | os.O_CREAT, 0o755), "w") as file:
                file.write(text)
        root = self.root
        lab = {"lab_domain": DOMAIN, "lock_server": f"{root}/paddles/", "nsupdate_url": f"{root}/nsupdate/update"}
        with open(f"{folder}/.teuthology.yaml", "w") as file:
            json.dump(lab, file)
        self.config = f"{folder}/worker.yaml"
        # No ssh section: all checks are on, and the keys are the user's own.
        config = lab | {
            "site": "ssh", "broker": f"127.0.0.1:{self.beanstalkd.port}", "retry_for": "20s", "retry_base": "200ms",
            "retry_cap": "2s", "steps": {"wait-ready": {"timeout": "8s", "patience": "1s"}},
            "dns": {"server": "127.0.0.1:53"}, "log": {"format": "json", "level": "debug"},
            "libcloud": {"providers": {"ovh": {
                "driver": "openstack", "allow_networks": ["Ext-Net$"], "driver_args": {
                    "username": "cirrata", "password": "secret", "ex_force_auth_url": f"{root}/identity",
                    "ex_force_auth_version": "3.x_password", "ex_tenant_name": "lab"}}}}}
        with os.fdopen(os.open(self.config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(config, file)
        self.start_worker(self.config)

    def put(self, action, node):
        """Returns the job's number and the tube in which its reply will be."""
        body = {"action": action, "node": node, "owner": OWNER, "uuid": str(uuid.uuid4()), "reply_to": f"reply.{node}",
                "lock" if action == "provision" else "unlock": True}
        with Client(self.beanstalkd.port) as client:
            return client.put(f"cirrata.{action}.ovh", json.dumps(body).encode())

    def reply(self, node):
        with Client(self.beanstalkd.port, timeout=LIMIT + 10) as client:
            body = client.take(f"reply.{node}", LIMIT)
        if body is None:
            raise Broken(f"{node}: no reply within {LIMIT} s")
        return yaml.safe_load(body)

    def machine_says(self, node, words, since, times=1):
        for _ in range(times):
            seen = self.log.wait(
                f"{node}: {words}", lambda line: line["worker"] == node and words in line["message"], since)
            since = self.log.lines.index(seen, since) + 1

    def tell(self, node, order):
        self.machines.tell(self.servers(node)[0]["id"], order)

    def hold(self, program, address):
        open(f"{self.folder}/hold-{program}-{address}", "w").close()

    def wait_until_held(self, what):
        if not select.select([self.held], [], [], LIMIT)[0]:
            raise Broken(f"not within {LIMIT} s: {what}")
        os.read(self.held, 100)

    def go_on(self):
        os.write(self.release, b"\n")

    def teuthology(self, nodes):
        """What real teuthology sees of them."""
        names = [f"{node}.{DOMAIN}" for node in nodes]
        done = self.run(sys.executable, "-B", f"{OPS}/ssh/view.py", *names)
        if done.returncode != 0:
            raise Broken(f"teuthology cannot look at the nodes: {done.stderr[-2000:]}")
        return json.loads(done.stdout)


def good(lab, check, nodes):
    """All that is to hold of nodes whose provision is done."""
    seen = lab.teuthology(nodes)
    for node in nodes:
        record, servers, name = lab.record(node), lab.servers(node), f"{node}.{DOMAIN}"
        check(f"{node}: one server", len(servers) == 1, servers)
        check(f"{node}: DNS has its address", lab.address(node) == loopback(servers[0]))
        check(f"{node}: the host key in paddles is teuthology's", record["ssh_pub_key"] == seen["keys"][name],
              f"{record['ssh_pub_key']}, not {seen['keys'][name]}")
        inventory = {key: value for key, value in seen["inventory"][name].items() if key not in ("user", "ssh_pub_key")}
        found = {key: record.get(key) for key in inventory}
        check(f"{node}: so is the rest of its inventory: {inventory}", found == inventory, found)


def failed(lab, check, node, job, outcome, words, next_words):
    reply = lab.reply(node)
    check(f"{node}: {outcome}", reply["outcome"] == outcome, reply)
    error = reply.get("error") or {}
    check(f"{node}: why: {error.get('message')}", re.search(words, error.get("message", "")), words)
    check(f"{node}: next: {error.get('next')}", re.search(next_words, error.get("next", "")), next_words)
    shown = lab.run(lab.cirrata, "failed", "show", str(job), "--config", lab.config)
    check(f"{node}: `failed show` says it, too", re.search(words, shown.stdout), shown.stdout + shown.stderr)
    lab.gone(check, node)


def run(lab, check):
    machines, log = lab.machines, lab.log
    machines.peculiar = {
        # An image that is another system than its name says.
        "ovh002": {"slow": True, "os_release": 'ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="9"\n'},
        "ovh003": {"refuses": True},
        "ovh004": {"silent": True},
        "ovh005": {"hostname": "stranger"},
        "ovh007": {"slow": True},
    }
    # Before its sshd listens, so that the first scan with an answer is held.
    machines.before_boot["ovh006"] = lambda address: lab.hold("ssh-keyscan", address)

    headline("a machine as it should be, and three that never become ready")
    jobs = {node: lab.put("provision", node) for node in ("ovh001", "ovh003", "ovh004", "ovh005")}
    check("ovh001: done", lab.reply("ovh001")["outcome"] == "done")
    good(lab, check, ["ovh001"])

    headline("the sentinel appears late")
    since = log.mark
    lab.put("provision", "ovh002")
    lab.machine_says("ovh002", "Accepted publickey for ubuntu", since, times=2)
    check("ovh002: not finished after two logins", lab.record("ovh002")["ssh_pub_key"] is None, lab.record("ovh002"))
    lab.tell("ovh002", "go on")
    check("ovh002: done", lab.reply("ovh002")["outcome"] == "done")
    good(lab, check, ["ovh002"])

    headline("host keys that change after they were scanned, before the login")
    since = log.mark
    lab.put("provision", "ovh006")
    lab.wait_until_held("a scan of ovh006")
    lab.tell("ovh006", "new keys")
    lab.machine_says("ovh006", "new host keys", since)
    lab.go_on()
    check("ovh006: done", lab.reply("ovh006")["outcome"] == "done")
    good(lab, check, ["ovh006"])

    headline("host keys that change after the node was found ready, before the commit")
    since = log.mark
    lab.put("provision", "ovh007")
    lab.machine_says("ovh007", "Accepted publickey for ubuntu", since)
    lab.hold("ssh", loopback(lab.servers("ovh007")[0]))
    lab.tell("ovh007", "go on")
    lab.wait_until_held("a login at ovh007 that finds it ready")
    fault = lab.sandbox.post("faults", {
        "service": "paddles", "method": "PUT", "match": "ovh007", "status": 503, "body": "paddles is away"})["ids"][0]
    lab.tell("ovh007", "new keys")
    lab.machine_says("ovh007", "new host keys", since)
    lab.go_on()
    log.wait("the commit notices", lambda line: "changed after it was found ready" in json.dumps(line), since)
    lab.sandbox.delete(f"faults/{fault}")
    check("ovh007: done", lab.reply("ovh007")["outcome"] == "done")
    good(lab, check, ["ovh007"])

    headline("refused keys")
    failed(lab, check, "ovh003", jobs["ovh003"], "failed", r"user ubuntu is refused: .*Permission denied \(publickey",
           "authorized_keys")
    headline("a host that accepts and never speaks")
    failed(lab, check, "ovh004", jobs["ovh004"], "failed", "shows no host key", "console")
    headline("a host that is not the node")
    failed(lab, check, "ovh005", jobs["ovh005"], "failed", 'calls itself "stranger"', "one address")

    headline("the end")
    for node in ("ovh001", "ovh002", "ovh006", "ovh007"):
        lab.put("destroy", node)
    for node in ("ovh001", "ovh002", "ovh006", "ovh007"):
        check(f"{node}: destroyed", lab.reply(node)["outcome"] == "done")
        lab.gone(check, node)
    state = lab.sandbox.state()
    check("no server and no volume", not state["servers"] and not state["volumes"], state)
    # A login that is cut off by the end of its step leaves its file, which the node's next login replaces.
    kept = set(os.listdir(f"{lab.folder}/.local/state/cirrata/known_hosts"))
    check("no known_hosts file but of logins that were cut off", kept <= {"known_hosts.ovh003", "known_hosts.ovh005"},
          kept)
    clients = lab.run("pgrep", "-ax", "ssh|ssh-keyscan").stdout
    check("no ssh and no ssh-keyscan runs", not clients, clients)


if __name__ == "__main__":
    sys.exit(suite("ssh", Lab, run, sys.argv[1]))
