"""Jobs from real producers, done by a worker that reads teuthology's own configuration (see ops/producers/test)."""
import json
import os
import re
import shutil
import sys
import sysconfig
import textwrap

OPS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, OPS)
import greenstalk
import yaml

from lab.bench import DOMAIN, LIMIT, Bench, suite
from lab.processes import Broken
from lab.results import Results
from lab.terminal import headline

OWNER = "scheduled_jörg@lab"
LOCK = "/home/teuthworker/archive/jörg-2026-11-28_漢字-rados/7"
UNICODE = "rados/Prüfung/{☃ 漢字 🐙} \u00a0 'quoted' \"twice\""
# What a suite's job looks like, as teuthology-suite hands it to teuthology-schedule.
TEST = {
    "roles": [["mon.a", "mgr.x", "osd.0", "client.0"]],
    "tasks": [{"install": None}, {"ceph": {"log-ignorelist": [r"\(POOL_APP_NOT_ENABLED\)"]}}, {"rados": {"ops": 4000}}],
    "overrides": {"ceph": {"conf": {"osd": {"debug osd": 20}}, "sha1": "e" * 40}},
    "sha1": "e" * 40, "suite": "rados", "timestamp": "2026-11-28_01:00:00", "verbose": False,
}
# teuthology's queue module puts it: what a script of a lab would do.
PUT = """\
import sys
from teuthology import beanstalk
connection = beanstalk.connect()
connection.use(sys.argv[1])
print(connection.put(sys.stdin.read(), ttr=60 * 60 * 24, priority=100))
"""


def documented(name, after):
    """The example in a document of the installed teuthology: what is indented below the line that begins so."""
    with open(f"{sysconfig.get_path('purelib')}/docs/{name}") as file:
        text = file.read()
    block = re.search(rf"^{re.escape(after)}.*::\n\n((?: .*\n|\n)+)", text, re.MULTILINE)
    return textwrap.dedent(block[1]).rstrip() + "\n"


class Lab(Bench):
    def __init__(self, cirrata, folder):
        super().__init__(cirrata, folder, nodes=8)
        self.config = f"{folder}/.teuthology.yaml"
        self.document = documented("siteconfig.rst", "Here is a sample") + documented("libcloud_backend.rst", "An example")
        # The key that the document names; the one that teuthology lets in is id_rsa.
        shutil.copy(f"{folder}/.ssh/id_rsa", f"{folder}/.ssh/my_key.rsa")
        self.results = Results()
        text = self.document
        # Where the services are here, and nothing else.
        for key, value in {
            "lab_domain": DOMAIN, "queue_port": self.beanstalkd.port, "lock_server": f"{self.root}/paddles/",
            "results_server": self.results.address, "nsupdate_url": f"{self.root}/nsupdate/update",
            "username": "cirrata", "password": "secret", "ex_tenant_name": "lab", "ex_force_service_region": "RegionOne",
            "ex_force_auth_url": f"{self.root}/identity/v2.0/tokens",
        }.items():
            text, count = re.subn(rf"^( *){key}: .*$", rf"\g<1>{key}: {value}", text, flags=re.MULTILINE)
            if count != 1:
                raise Broken(f"teuthology's documentation has {key} {count} times")
        # The one key of ours: a lock_server on this host's own address names no site.
        with os.fdopen(os.open(self.config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{text}site: producers\n")

    def client(self, **options):
        return greenstalk.Client(("127.0.0.1", self.beanstalkd.port), **options)

    def schedule(self, name, ours, *options):
        """teuthology-schedule with our keys in its configuration file. Returns what it prints."""
        path = f"{self.folder}/{name}.yaml"
        with open(path, "w") as file:
            yaml.safe_dump(TEST | ours, file, allow_unicode=True)
        done = self.run(
            f"{os.path.dirname(sys.executable)}/teuthology-schedule", "--name", f"jörg-{name}", "--worker", "ovh",
            "--owner", OWNER, "--priority", "100", "--description", UNICODE, *options, path)
        if done.returncode != 0:
            raise Broken(f"teuthology-schedule: {done.stdout}{done.stderr}")
        return done.stdout

    def number(self, printed):
        return int(re.search(r"and ID (\d+)", printed)[1])

    def body(self, name, ours):
        """The body that teuthology-schedule would put, as it prints it."""
        return self.schedule(name, ours, "--dry-run").removeprefix("---\n")

    def statistics(self, job):
        with self.client() as client:
            return client.stats_job(job)

    def replies(self, node, count=1):
        """Read as a producer would."""
        found = []
        with self.client(watch=f"reply.{node}") as client:
            while len(found) < count:
                try:
                    job = client.reserve(timeout=LIMIT)
                except greenstalk.TimedOutError:
                    raise Broken(f"{node}: not {count} replies within {LIMIT} s: {found}") from None
                found.append(yaml.safe_load(job.body))
                client.delete(job)
        return found


def ours(action, node, **more):
    return {"action": action, "node": node, "tube": f"cirrata.{action}.ovh", "reply_to": f"reply.{node}",
            "uuid": f"{action}-{node}", "lock_description": LOCK,
            "lock" if action == "provision" else "unlock": True} | more


def check_configuration(lab, check):
    headline("teuthology's own teuthology.yaml")
    untouched = f"{lab.folder}/teuthology.yaml"
    with os.fdopen(os.open(untouched, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(lab.document)
    for path, what in ((untouched, "the documents' examples"), (lab.config, "the same with this lab's addresses")):
        done = lab.run(lab.cirrata, "config", "check", "--config", path)
        check(f"config check takes {what}", done.returncode == 0, done.stdout + done.stderr)
    shown = lab.run(lab.cirrata, "config", "show", "--config", lab.config)
    values = yaml.safe_load(shown.stdout)
    check("queue, domain, ssh_key and sizes are read",
          (values["queue_port"], values["lab_domain"], values["ssh"]["identity_file"], values["openstack"]["volumes"])
          == (lab.beanstalkd.port, DOMAIN, f"{lab.folder}/.ssh/my_key.rsa", {"count": 3, "size": 10}), shown.stdout)


def built(lab, check, node, reply):
    """All that is to hold of a node whose provision is done."""
    record, servers = lab.record(node), lab.servers(node)
    check(f"{node}: one server with three volumes of 10 GB, as teuthology.yaml says", len(servers) == 1 and sorted(
        volume["size"] for volume in lab.sandbox.state()["volumes"] if volume["server"] == servers[0]["id"]
    ) == [10, 10, 10], servers)
    check(f"{node}: the reply has uuid, node, server and key",
          (reply["uuid"], reply["node"], reply["server"]["id"], reply["ssh_pub_key"])
          == (f"provision-{node}", f"{node}.{DOMAIN}", servers[0]["id"], record["ssh_pub_key"]), reply)
    check(f"{node}: locked with owner and description to the last letter",
          (record["locked"], record["locked_by"], record["description"]) == (True, OWNER, LOCK), record)


def run(lab, check):
    check_configuration(lab, check)

    headline("what is not ours, put by teuthology-schedule before the worker starts")
    ordinary = lab.number(lab.schedule("ordinary", {}))
    astray = lab.number(lab.schedule("astray", {key: value for key, value in ours("provision", "ovh008").items()
                                                if key != "tube"}))
    foreign = lab.number(lab.schedule("foreign", {"tube": "cirrata.provision.ovh"}))
    with lab.client() as client:
        bodies = {job: client.peek(job).body for job in (ordinary, astray, foreign)}
        check("the first two are in the dispatcher's tube", [client.stats_job(job)["tube"] for job in (ordinary, astray)]
              == ["ovh", "ovh"])
    check("a body of teuthology-schedule has no action, no tube and no job_id of ours",
          "action" not in yaml.safe_load(bodies[ordinary]), bodies[ordinary])
    since = lab.log.mark
    lab.start_worker(lab.config)
    lab.log.wait("a body without action", lambda line: "no 'action'" in line["message"], since)

    headline("provisions")
    # Twice the same body: an ordinary thing in teuthology.
    lab.schedule("twice", ours("provision", f"ubuntu@ovh001.{DOMAIN}", reply_to="reply.ovh001", uuid="provision-ovh001"),
                 "--num", "2")
    done = lab.run(sys.executable, "-B", "-c", PUT, "cirrata.provision.ovh", stdin=lab.body(
        "module", ours("provision", "ovh002")))
    check("ovh002: put by teuthology's queue module", done.returncode == 0, done.stderr)
    plain = yaml.safe_load(lab.body("greenstalk", ours("provision", "ovh003")))
    with lab.client(use="cirrata.provision.ovh") as client:
        client.put(yaml.safe_dump(plain, allow_unicode=True), priority=100, ttr=86_400)
    # Just below what beanstalkd takes.
    large = ours("provision", "ovh004", large=["Ω" * 60] * 160)
    size = len(lab.body("large", large).encode())
    check(f"ovh004: a body of {size} bytes", 60_000 < size < 65_535)
    lab.schedule("large", large)

    replies = lab.replies("ovh001", 2)
    check("ovh001: two jobs of one uuid, both done", [reply["outcome"] for reply in replies] == ["done"] * 2, replies)
    for reply in replies:
        built(lab, check, "ovh001", reply)
    for node in ("ovh002", "ovh003", "ovh004"):
        [reply] = lab.replies(node)
        check(f"{node}: done", reply["outcome"] == "done", reply)
        built(lab, check, node, reply)
    servers = lab.sandbox.state()["servers"]
    check("four servers in all", len(servers) == 4, servers)

    headline("what is not ours, with the worker at work")
    with lab.client() as client:
        client.kick_job(foreign)
    lab.wait("it is put back again", lambda: lab.statistics(foreign)["releases"] >= 2)
    left_alone(lab, check, ordinary, astray, foreign, bodies)

    headline("destroys")
    for node in ("ovh001", "ovh002"):
        lab.schedule(f"destroy-{node}", ours("destroy", node))
    with lab.client(use="cirrata.destroy.ovh") as client:
        for node in ("ovh003", "ovh004"):
            client.put(lab.body(f"destroy-{node}", ours("destroy", node)), ttr=86_400)
    for node in ("ovh001", "ovh002", "ovh003", "ovh004"):
        [reply] = lab.replies(node)
        check(f"{node}: destroyed", reply["outcome"] == "done", reply)
        lab.gone(check, node)

    headline("the end")
    left_alone(lab, check, ordinary, astray, foreign, bodies)
    state = lab.sandbox.state()
    check("no server and no volume", not state["servers"] and not state["volumes"], state)
    listed = lab.run(f"{os.path.dirname(sys.executable)}/teuthology-queue", "--machine_type", "ovh")
    check("teuthology-queue lists what is in the dispatcher's tube",
          all(f"/{job}" in listed.stdout for job in (ordinary, astray)), listed.stdout + listed.stderr)
    with lab.client() as client:
        ready = client.stats_tube("ovh")["current-jobs-ready"]
        check("nothing else is in the queue", set(client.tubes()) <= {
            "default", "ovh", "cirrata.provision.ovh", "cirrata.destroy.ovh", "cirrata.workers", "cirrata.sweep"},
            client.tubes())
    check("both are there still", ready == 2, ready)
    reported = {job["job_id"] for job in lab.results.jobs.values() if job["status"] == "queued"}
    check("teuthology-schedule has reported its jobs", {str(ordinary), str(astray), str(foreign)} <= reported, reported)


def left_alone(lab, check, ordinary, astray, foreign, bodies):
    # It comes round once a minute, perhaps just now.
    lab.wait("the body without action is put back", lambda: lab.statistics(foreign)["state"] == "delayed")
    with lab.client() as client:
        tube = client.stats_tube("ovh")
        check("nobody watches or uses the dispatcher's tube", (tube["current-watching"], tube["current-using"]) == (0, 0),
              tube)
        for job in (ordinary, astray):
            found = client.stats_job(job)
            counts = {key: found[key] for key in ("state", "reserves", "releases", "timeouts", "buries", "kicks")}
            check(f"job {job} of the dispatcher was never touched", counts == {
                "state": "ready", "reserves": 0, "releases": 0, "timeouts": 0, "buries": 0, "kicks": 0}, counts)
        found = client.stats_job(foreign)
        check("the body without action was put back each time, never buried",
              (found["state"], found["buries"], found["reserves"]) == ("delayed", 0, found["releases"]), found)
        check("all of them as they were", bodies == {job: client.peek(job).body for job in bodies})


if __name__ == "__main__":
    sys.exit(suite("producers", Lab, run, sys.argv[1], also=greenstalk.Error))
