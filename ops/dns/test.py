"""Provisions and destroys of one node against real BIND (see ops/dns/test)."""
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), os.path.dirname(os.path.abspath(__file__))]
from bridge import Bridge
from lab.beanstalk import Client
from lab.log import Log
from lab.processes import Broken, Processes
from lab.services import Beanstalkd, Sandbox, start_sandbox
from lab.terminal import say, styled
from named import Named

DOMAIN = "front.lab.test"
NODE = "ovh001"
# A network with room for one server, so that its address is known before.
ADDRESS = "127.77.0.2"
PARKING = "192.0.2.1"
REPLIES = "dns-replies"
LIMIT = 180
CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def expect(what, found, wanted):
    if found != wanted:
        raise AssertionError(f"{what}: {found}, not {wanted}")


class Lab:
    def __init__(self, cirrata, folder):
        self.folder = folder
        self.processes = Processes(folder)
        self.log = Log(folder)
        self.beanstalkd = Beanstalkd(self.processes, folder)
        addresses = start_sandbox(self.processes, cirrata, {
            "seed": 1, "domain": DOMAIN, "addresses": "127.77.0.0/30", "boot": 1,
            "nodes": [{"machine_type": "ovh", "count": 1}]})
        self.sandbox = Sandbox(addresses["sandbox"])
        self.named = Named(self.processes, self.log, DOMAIN)
        self.bridge = Bridge(self.named, "ovh")
        root = self.sandbox.root
        config = {
            "lab_domain": DOMAIN, "lock_server": f"{root}/paddles/", "nsupdate_url": self.bridge.url, "site": "dns",
            "broker": f"127.0.0.1:{self.beanstalkd.port}", "slots": 4, "retry_base": "200ms", "retry_cap": "2s",
            "dns": {"server": f"127.0.0.1:{self.named.port}"},
            "ssh": {"port": int(addresses["ssh"].rsplit(":", 1)[1]), "check_host_keys": False, "check_sentinel": False},
            "log": {"format": "json", "level": "debug"},
            "libcloud": {"providers": {"ovh": {
                "driver": "openstack", "allow_networks": ["Ext-Net$"], "driver_args": {
                    "username": "cirrata", "password": "secret", "ex_force_auth_url": f"{root}/identity",
                    "ex_force_auth_version": "3.x_password", "ex_tenant_name": "lab"}}}}}
        path = f"{folder}/worker.yaml"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(config, file)
        worker = self.processes.start(
            "worker", [cirrata, "worker", "--config", path], stderr=subprocess.PIPE, text=True)
        self.log.read("worker", worker.stderr)

    def put(self, action):
        key = str(uuid.uuid4())
        body = {"action": action, "node": NODE, "owner": "dns@lab", "uuid": key, "reply_to": REPLIES,
                "lock" if action == "provision" else "unlock": True}
        with Client(self.beanstalkd.port) as client:
            client.put(f"cirrata.{action}.ovh", json.dumps(body).encode())
        return key

    def outcome(self, key):
        """Waits for the reply."""
        deadline = time.monotonic() + LIMIT
        with Client(self.beanstalkd.port, timeout=LIMIT + 10) as client:
            client.call(f"watch {REPLIES}")
            while True:
                words, body = client.call(f"reserve-with-timeout {max(0, int(deadline - time.monotonic()))}")
                if words[0] != "RESERVED":
                    raise Broken(f"no reply within {LIMIT} s")
                client.call(f"delete {words[1]}")
                if key in body.decode():
                    return next(line.split(": ")[1] for line in body.decode().splitlines() if line.startswith("outcome"))

    def provision(self):
        return self.outcome(self.put("provision"))

    def push(self, address):
        """What somebody else asks the bridge for, who does not know of us."""
        with urllib.request.urlopen(f"{self.bridge.url}?name={NODE}&ip={address}", timeout=10) as answer:
            return answer.read().decode()

    def program(self, text):
        """Another nsupdate: a shell script."""
        path = f"{self.folder}/nsupdate"
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o700)
        self.bridge.program = path

    def after_trouble(self, break_it, mend_it, words):
        """The trouble begins before the push and ends when the worker has complained of it; nothing is built twice."""
        before, since = self.sandbox.state()["servers_created"], self.log.mark
        break_it()
        try:
            key = self.put("provision")
            self.log.wait(f"the worker complains: {words}", lambda line: line["worker"] == "worker" and line.get(
                "step") == "push-dns" and line.get("level") == "warning" and words in line["message"], since)
        finally:
            mend_it()
        expect("outcome", self.outcome(key), "done")
        expect("servers created", self.sandbox.state()["servers_created"] - before, 1)

    def close(self):
        self.processes.stop_all()
        self.bridge.close()


@case
def success(lab):
    expect("outcome", lab.provision(), "done")


@case
def other_records_of_the_name(lab):
    """AAAA, TXT and another A are replaced by the one A."""
    lab.named.update(f"update add {NODE}.{DOMAIN} 60 AAAA 2001:db8::1", f"update add {NODE}.{DOMAIN} 60 TXT old",
                     f"update add {NODE}.{DOMAIN} 60 A 192.0.2.99")
    expect("outcome", lab.provision(), "done")
    expect("AAAA", lab.named.ask(NODE, "AAAA"), [])
    expect("TXT", lab.named.ask(NODE, "TXT"), [])


@case
def no_change_although_the_record_is_gone(lab):
    expect("the bridge", lab.push(ADDRESS), "success")
    lab.named.update(f"update delete {NODE}.{DOMAIN}")
    expect("the bridge believes", lab.push(ADDRESS), "no-change")
    seen = len(lab.bridge.answers)
    expect("outcome", lab.provision(), "done")
    expect("what the bridge answered", lab.bridge.answers[seen:], ["200 no-change", "200 success", "200 success"])


@case
def no_change_although_the_record_is_another(lab):
    lab.push(ADDRESS)
    lab.named.update(f"update delete {NODE}.{DOMAIN}", f"update add {NODE}.{DOMAIN} 60 A 192.0.2.99")
    expect("outcome", lab.provision(), "done")


@case
def no_change_although_the_record_is_ipv6(lab):
    """A name with nothing but an AAAA: the question for A is answered with no data."""
    lab.push(ADDRESS)
    lab.named.update(f"update delete {NODE}.{DOMAIN}", f"update add {NODE}.{DOMAIN} 60 AAAA 2001:db8::1")
    expect("outcome", lab.provision(), "done")
    expect("AAAA", lab.named.ask(NODE, "AAAA"), [])


@case
def no_change_although_there_are_many(lab):
    """So many records that the answer is cut: the bridge believes in the one."""
    lab.push(ADDRESS)
    lab.named.update(*(f"update add {NODE}.{DOMAIN} 60 A 192.0.2.{number}" for number in range(10, 90)))
    expect("outcome", lab.provision(), "done")


@case
def servfail(lab):
    lab.after_trouble(lab.named.break_zone, lab.named.mend_zone, "set address of ovh001")


@case
def servfail_of_questions(lab):
    """The bridge says no-change, and DNS cannot be asked."""
    lab.push(ADDRESS)
    lab.after_trouble(lab.named.break_zone, lab.named.mend_zone, "server failure")


@case
def silence(lab):
    lab.after_trouble(lab.named.hang, lab.named.wake, "timeout")


@case
def named_is_down(lab):
    lab.after_trouble(lab.named.kill, lab.named.start, "connection refused")


@case
def wrong_key(lab):
    def set_key(key):
        lab.bridge.key = key

    lab.after_trouble(lambda: set_key(lab.named.wrong_key), lambda: set_key(lab.named.key), "tsig")


@case
def written_although_it_timed_out(lab):
    """nsupdate is killed after it has done its work: DNS knows better than the bridge."""
    lab.program('nsupdate "$@"; exec sleep 60')
    seen = len(lab.bridge.answers)
    expect("outcome", lab.provision(), "done")
    expect("what the bridge answered", lab.bridge.answers[seen:], ["500 timeout"])


@case
def written_although_it_warned(lab):
    lab.program('nsupdate "$@"; echo "some harmless warning" >&2')
    seen = len(lab.bridge.answers)
    expect("outcome", lab.provision(), "done")
    expect("what the bridge answered", lab.bridge.answers[seen:], ["500 some harmless warning\n"])


@case
def success_although_nothing_was_written(lab):
    """nsupdate ends with 2 and says nothing: the bridge calls it success, and then no-change for ever."""
    lab.after_trouble(lambda: lab.program("exit 2"), lambda: lab.program('exec nsupdate "$@"'), "instead of")


def tidy(lab):
    """Destroys the node: its name is parked, its server gone."""
    lab.bridge.program = "nsupdate"
    expect("outcome of the destroy", lab.outcome(lab.put("destroy")), "done")
    expect("A after the destroy", lab.named.ask(NODE), [PARKING])
    expect("servers after the destroy", lab.sandbox.state()["servers"], [])


def run_case(lab, name):
    CASES[name](lab)
    expect("A", lab.named.ask(NODE), [ADDRESS])
    tidy(lab)


def main(cirrata, patterns):
    names = [name for name in CASES if not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    if not names:
        sys.exit(f"no case is called {' or '.join(patterns)}; there are {' '.join(CASES)}")
    folder = tempfile.mkdtemp(prefix="cirrata-dns-test-")
    began, failed, lab = time.monotonic(), [], None
    try:
        lab = Lab(cirrata, folder)
        for name in names:
            start = time.monotonic()
            try:
                run_case(lab, name)
                problem = None
            except AssertionError as error:
                problem = error
                tidy(lab)
            mark = styled("FAIL", "red") if problem else styled("PASS", "green")
            say(f"   {mark}  {time.monotonic() - start:6.1f} s  {name}{f': {problem}' if problem else ''}")
            failed += [name] if problem else []
    except (AssertionError, Broken, OSError, subprocess.SubprocessError) as problem:
        say(f"   {styled('FAIL', 'red')}  {problem}")
        failed.append("the rest")
    finally:
        if lab is not None:
            lab.close()
    say(f"{len(names)} cases in {time.monotonic() - began:.0f} s, failed: {', '.join(failed) or 'none'}")
    if failed:
        say(f"the logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
