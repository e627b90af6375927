"""Puts provisions and destroys into Cirrata's tubes and waits for their replies."""
import json
import time
import uuid

import beanstalkc
import yaml

# What cirrata enqueue uses.
TTR = 300
# A reserve never blocks longer, so that an interruption is noticed.
PATIENCE = 5


class Failed(Exception):
    """A job that did not end as done; says where, why, and which report tells more."""

    def __init__(self, action, node, reply, job):
        error = reply.get("error") or {}
        self.outcome = reply.get("outcome", "")
        self.step = error.get("step", "")
        self.reason = error.get("message", "")
        self.report = str(job)
        super().__init__(
            f"{action} of {node}: {self.outcome} in step {self.step or '?'}: {self.reason or 'no reason given'} "
            f"(cirrata failed show {self.report})")


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
        """Puts a destroy for whatever this provision may have built, and waits for nothing."""
        body = {key: provision[key] for key in ("node", "owner", "lock_description") if provision.get(key)}
        body |= {"action": "destroy", "uuid": str(uuid.uuid4())}
        connection = self.connect()
        try:
            put(connection, provider, body)
        finally:
            connection.close()

    def body(self, action, node, owner, keys):
        body = {"action": action, "node": node, "owner": owner, "uuid": str(uuid.uuid4())}
        return body | {key: value for key, value in keys.items() if value is not None}

    def connect(self):
        return beanstalkc.Connection(host=self.host, port=self.port, parse_yaml=yaml.safe_load)

    def run(self, provider, body):
        # A private tube: its form is the one that Sources/Jobs/ReplyTube.swift knows.
        body["reply_to"] = f"cirrata.reply.{uuid.uuid4()}"
        deadline = time.monotonic() + self.timeout
        connection = self.connect()
        try:
            connection.watch(body["reply_to"])
            connection.ignore("default")
            job = put(connection, provider, body)
            while (left := deadline - time.monotonic()) > 0:
                found = connection.reserve(timeout=int(min(left, PATIENCE)) + 1)
                if found is None:
                    continue
                reply = yaml.safe_load(found.body)
                found.delete()
                if reply.get("uuid") != body["uuid"]:
                    continue
                if reply.get("outcome") != "done":
                    raise Failed(body["action"], body["node"], reply, job)
                return reply
            late = {"outcome": "timed out", "error": {"message": f"no reply within {self.timeout} s"}}
            raise TimedOut(body["action"], body["node"], late, job)
        finally:
            connection.close()


def put(connection, provider, body):
    connection.use(f"cirrata.{body['action']}.{provider}")
    return connection.put(json.dumps(body), ttr=TTR)
