"""A beanstalkd client of its own, so that what Cirrata says of the queue is not believed but looked up."""
import socket


class Refused(Exception):
    """beanstalkd answered something else than was hoped for."""


class Client:
    def __init__(self, port, timeout=10):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout)
        self.stream = self.connection.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # The file object keeps the descriptor open: a job reserved here would stay so.
        self.stream.close()
        self.connection.close()

    def call(self, line, body=None):
        """Returns the words of the answer, and its data when it has any."""
        self.send(line, body)
        return self.answer()

    def send(self, line, body=None):
        self.connection.sendall(line.encode() + b"\r\n" + (b"" if body is None else body + b"\r\n"))

    def answer(self):
        head = self.stream.readline()
        if not head.endswith(b"\r\n"):
            raise ConnectionError("beanstalkd closed the connection")
        words = head.decode().split()
        data = None
        if words[0] in ("OK", "FOUND", "RESERVED"):
            data = self.stream.read(int(words[-1]) + 2)[:-2]
        return words, data

    def put(self, tube, body, priority=1000, delay=0, ttr=300):
        self.call(f"use {tube}")
        words, _ = self.call(f"put {priority} {delay} {ttr} {len(body)}", body)
        if words[0] != "INSERTED":
            raise Refused(" ".join(words))
        return int(words[1])

    def stats(self, command):
        """A document of statistics as texts; None when there is no such thing."""
        words, data = self.call(command)
        if words[0] != "OK":
            return None
        pairs = (line.split(": ", 1) for line in data.decode().splitlines() if ": " in line)
        return {key: value.strip('"') for key, value in pairs}

    def tube(self, name):
        """{state: number of jobs}; all zero when there is no such tube."""
        stats = self.stats(f"stats-tube {name}") or {}
        return {state: int(stats.get(f"current-jobs-{state}", 0)) for state in ("ready", "reserved", "delayed", "buried")}

    def read(self, tube):
        """[(id, body)] of all ready jobs of a tube, which go back when this connection is closed."""
        self.call(f"watch {tube}")
        self.call("ignore default")
        found = []
        while True:
            words, data = self.call("reserve-with-timeout 0")
            if words[0] != "RESERVED":
                return found
            found.append((int(words[1]), data))

    def take(self, tube, seconds):
        """Deletes the next job of a tube and returns its body; None when none comes in time."""
        self.call(f"watch {tube}")
        self.call("ignore default")
        words, data = self.call(f"reserve-with-timeout {seconds}")
        if words[0] != "RESERVED":
            return None
        self.call(f"delete {words[1]}")
        return data

    def peek(self, job):
        words, data = self.call(f"peek {job}")
        return data if words[0] == "FOUND" else None

    def kick(self, job):
        return self.call(f"kick-job {job}")[0][0] == "KICKED"
