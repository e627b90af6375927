"""Puts provisions and destroys into Cirrata's tubes and waits for their replies."""
import contextlib
import json
import logging
import time
import uuid

import beanstalkc
import yaml

log = logging.getLogger(__name__)
# What cirrata enqueue uses.
TTR = 300
# A reserve never blocks longer, so that an interruption is noticed.
PATIENCE = 5
# After that long without an answer the broker is taken for gone.
SILENCE = 15
# Between two tries to reach a broker that is gone.
PAUSE = 5


class Failed(Exception):
    """A job that did not end as done; says where, why, and which report tells more."""

    def __init__(self, action, node, reply, job):
        error = reply.get("error") or {}
        self.outcome = reply.get("outcome", "")
        self.step = error.get("step", "")
        self.reason = error.get("message", "")
        self.report = str(job or "")
        where = f" in step {self.step}" if self.step else ""
        super().__init__(
            f"{action} of {node}: {self.outcome}{where}: {self.reason or 'no reason given'} "
            f"(cirrata failed show {self.report or node})")


class TimedOut(Failed):
    """No reply in time."""


class Client:
    def __init__(self, host, port, timeout):
        self.host = host
        self.port = port
        self.timeout = timeout

    def create(self, provider, node, owner, **keys):
        """Waits until the node is built. Whatever else ends the wait, a destroy is put first."""
        body = self.body("provision", node, owner, keys)
        # A provision that nobody waits for any more must not be built later.
        body["expire"] = int(time.time() + self.timeout)
        try:
            return self.run(provider, body)
        except Failed as problem:
            if isinstance(problem, TimedOut):
                self.abandon(provider, body)
            raise
        except BaseException:
            # Also an interruption, and the end of a greenlet whose sibling failed.
            self.abandon(provider, body)
            raise

    def destroy(self, provider, node, owner, **keys):
        return self.run(provider, self.body("destroy", node, owner, keys))

    def abandon(self, provider, provision):
        """Puts a destroy for whatever this provision may have built, and waits for nothing.

        It is called while another error is on its way, which says more than that the queue is gone, too.
        """
        body = {key: provision[key] for key in ("node", "owner", "lock_description") if provision.get(key)}
        body |= {"action": "destroy", "uuid": str(uuid.uuid4())}
        try:
            with contextlib.closing(self.connect()) as connection:
                put(connection, provider, body)
        except (beanstalkc.BeanstalkcException, OSError) as problem:
            log.error(
                "%s may have been built or be built yet, and no destroy can be put (%s): when the queue is back, "
                "unlock the node, or: cirrata enqueue destroy %s --machine-type %s --owner %s",
                body["node"], problem or "beanstalkd is gone", body["node"], provider, body["owner"])

    def body(self, action, node, owner, keys):
        body = {"action": action, "node": node, "owner": owner, "uuid": str(uuid.uuid4())}
        return body | {key: value for key, value in keys.items() if value is not None}

    def connect(self):
        connection = beanstalkc.Connection(
            host=self.host, port=self.port, parse_yaml=yaml.safe_load, connect_timeout=SILENCE)
        # beanstalkc waits for an answer for ever, from a host that has vanished, too.
        connection._socket.settimeout(PATIENCE + SILENCE)
        return connection

    def run(self, provider, body):
        # A private tube: its form is the one that Sources/Jobs/ReplyTube.swift knows.
        body["reply_to"] = f"cirrata.reply.{uuid.uuid4()}"
        deadline = time.monotonic() + self.timeout
        job = None
        while True:
            try:
                with contextlib.closing(self.connect()) as connection:
                    connection.watch(body["reply_to"])
                    connection.ignore("default")
                    if job is None or is_lost(connection, job, body):
                        # By its uuid it is the same job to Cirrata, should both have arrived.
                        job = put(connection, provider, body)
                    reply = next_reply(connection, body, job, deadline)
                break
            except beanstalkc.SocketError as problem:
                why = f"beanstalkd at {self.host}:{self.port} does not answer ({problem or 'it closed the connection'})"
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimedOut(body["action"], body["node"], timed_out(why), job) from problem
                log.warning("%s of %s: %s; trying again", body["action"], body["node"], why)
                time.sleep(min(PAUSE, left))
        if reply is None:
            raise TimedOut(body["action"], body["node"], timed_out(f"no reply within {self.timeout} s"), job)
        if reply.get("outcome") != "done":
            raise Failed(body["action"], body["node"], reply, job)
        return reply


def put(connection, provider, body):
    connection.use(f"cirrata.{body['action']}.{provider}")
    return connection.put(json.dumps(body), ttr=TTR)


def is_lost(connection, job, body):
    """Whether a broker that was restarted without its binlog forgot the job. A finished one has left a reply."""
    found = connection.peek(job)
    if found is not None and body["uuid"] in found.body:
        return False
    return not connection.stats_tube(body["reply_to"])["current-jobs-ready"]


def next_reply(connection, body, job, deadline):
    """None when none comes in time."""
    while (left := deadline - time.monotonic()) > 0:
        found = connection.reserve(timeout=int(min(left, PATIENCE)) + 1)
        if found is None:
            continue
        reply = yaml.safe_load(found.body)
        found.delete()
        if is_answer(reply, body, job):
            return reply
        log.warning("%s of %s: a reply that is about another job: %.200r", body["action"], body["node"], reply)
    return None


def is_answer(reply, body, job):
    """Whether a reply is about this job and no other of the same uuid, which whoever sees the queue can put."""
    if not isinstance(reply, dict):
        return False
    # Workers of older releases do not tell the job's number.
    same_job = reply.get("id") in (None, job)
    same_node = str(reply.get("node")).partition(".")[0] == body["node"].partition(".")[0]
    return same_job and same_node and all(reply.get(key) == body[key] for key in ("uuid", "action"))


def timed_out(why):
    return {"outcome": "timed out", "error": {"message": why}}
