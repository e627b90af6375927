"""What the workers write, as it is written: something to wait for instead of sleeping."""
import json
import threading
import time

from lab.processes import Broken, follow


class Log:
    def __init__(self, folder):
        self.folder = folder
        self.lines = []
        self.changed = threading.Condition()

    def read(self, worker, stream):
        """Takes every line of a worker; a file keeps them, too."""
        file = open(f"{self.folder}/{worker}.log", "a")

        def take(text):
            print(text, file=file, flush=True)
            try:
                line = json.loads(text)
            except ValueError:
                line = {"message": text}
            with self.changed:
                self.lines.append(line | {"worker": worker})
                self.changed.notify_all()

        follow(stream, take)

    @property
    def mark(self):
        """Now, as a place in the log."""
        with self.changed:
            return len(self.lines)

    def wait(self, what, holds, since, seconds=180):
        """The first line after the mark `since` for which `holds`."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                while since < len(self.lines):
                    if holds(self.lines[since]):
                        return self.lines[since]
                    since += 1
                if not self.changed.wait(deadline - time.monotonic()):
                    raise Broken(f"no worker's log says within {seconds} s: {what}")

    def step(self, node, step, since):
        """Until a worker has begun a step with a node."""
        return self.wait(f"{node} {step}", lambda line: line.get("step") == step
                         and line.get("node", "").split(".")[0] == node, since)
