"""What the proxies read along the way: who asked for what, and who held which job until when.

Both readers are fed the bytes that pass and never change them. What they cannot follow, they say.
"""
import re
import time


class WebReader:
    """The requests of one connection to the Sandbox, in order: the n-th is the journal's n-th of that peer."""

    # What must never be written down anywhere: the judge looks for every one of these.
    SECRETS = re.compile(rb'(?:X-Auth-Token|X-Subject-Token): (\S+)|"adminPass": ?"([^"]+)"', re.IGNORECASE)

    def __init__(self, secrets):
        self.secrets = secrets
        self.requests = []
        self.buffer = b""
        self.body = 0

    def sent(self, data):
        """Bytes of the worker."""
        now = time.monotonic()
        self.buffer += data
        while self.buffer:
            if self.body:
                taken = min(self.body, len(self.buffer))
                self.body -= taken
                self.buffer = self.buffer[taken:]
                continue
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self.collect(head)
            line, _, fields = head.partition(b"\r\n")
            length = re.search(rb"(?im)^content-length: *(\d+)", fields)
            self.body = int(length[1]) if length else 0
            method, target = line.decode(errors="replace").split(" ")[:2]
            self.requests.append((now, method, target))
            self.buffer = rest

    def answered(self, data):
        """Bytes of the Sandbox. A secret that is cut in two by the wire is seen in the next request that uses it."""
        self.collect(data)

    def collect(self, data):
        for groups in self.SECRETS.findall(data):
            self.secrets.update(text.decode(errors="replace") for text in groups if text)


class Hold:
    """A worker's right to one job, as far as the wire shows it."""

    def __init__(self, job, body, began):
        self.job = job
        self.body = body
        self.began = began
        # When the last command was sent to which the broker answered that the job is still this worker's.
        self.proved = began
        self.ended = None
        # released, deleted, buried: by the worker; not-found: the broker said so; closed: the connection is gone.
        self.how = None
        self.delay = None


class BrokerReader:
    """The conversation of one connection to beanstalkd. `holds` is shared by all connections of a worker."""

    WITH_DATA = (b"RESERVED", b"FOUND", b"OK")
    ENDS = {"delete": b"DELETED", "release": b"RELEASED", "bury": b"BURIED"}

    def __init__(self, holds):
        self.holds = holds
        self.open = {}
        self.asked = []
        self.sending = b""
        self.skip = 0
        self.answering = b""

    def sent(self, data):
        now = time.monotonic()
        self.sending += data
        while self.sending:
            if self.skip:
                taken = min(self.skip, len(self.sending))
                self.skip -= taken
                self.sending = self.sending[taken:]
                continue
            line, end, rest = self.sending.partition(b"\r\n")
            if not end:
                return
            words = line.decode(errors="replace").split()
            if words and words[0] == "put":
                self.skip = int(words[4]) + 2
            self.asked.append((now, words))
            if words and words[0] in self.ENDS and int(words[1]) in self.open:
                # Whatever the answer will be, nothing may be begun for this job any more.
                self.end(self.open[int(words[1])], words[0], now)
            self.sending = rest

    def answered(self, data):
        now = time.monotonic()
        self.answering += data
        while True:
            line, end, rest = self.answering.partition(b"\r\n")
            if not end:
                return
            words = line.split()
            body = None
            if words and words[0] in self.WITH_DATA:
                size = int(words[-1])
                if len(rest) < size + 2:
                    return
                body, rest = rest[:size], rest[size + 2:]
            self.answering = rest
            if self.asked:
                self.take(*self.asked.pop(0), words, body, now)

    def take(self, sent, command, words, body, now):
        if command[:1] and command[0].startswith("reserve") and words[0] == b"RESERVED":
            hold = Hold(int(words[1]), body, now)
            self.open[hold.job] = hold
            self.holds.append(hold)
        elif command[:1] == ["touch"]:
            hold = self.open.get(int(command[1]))
            if hold and words[0] == b"TOUCHED":
                hold.proved = sent
            elif hold:
                self.end(hold, "not-found", now)

    def closed(self):
        """The worker can know from now on that the connection is gone."""
        for hold in list(self.open.values()):
            self.end(hold, "closed", time.monotonic())

    def end(self, hold, how, now):
        if hold.ended is None:
            hold.ended, hold.how = now, how
