"""Starting, finding again and ending processes that outlive this one."""
import json
import os
import select
import signal
import subprocess
import time

from cloud.place import RUN, Broken, log, tail


def wait(what, condition, seconds, process=None):
    """Until `condition`; fails early when `process`, whose readiness it is, ends."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process is not None and not process.is_alive:
            raise Broken(f"{process.name} has ended; the end of {log(process.name)}:\n{tail(process.name)}")
        if time.monotonic() > deadline:
            hint = f"; the end of {log(process.name)}:\n{tail(process.name)}" if process is not None else ""
            raise Broken(f"not within {seconds} s: {what}{hint}")
        time.sleep(0.1)


def status(pid):
    """(state, session, start time in ticks since the boot) of a process; None when there is none."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], int(fields[3]), int(fields[19])


class Process:
    """A process by its name: leader of a session of its own, written down with its id and start time, as ids recur."""

    def __init__(self, name):
        self.name = name
        self.record = f"{RUN}/{name}.json"

    @property
    def pid(self):
        """None when it does not run."""
        try:
            with open(self.record) as file:
                pid, began = json.load(file)
        except (FileNotFoundError, ValueError):
            return None
        found = status(pid)
        return pid if found and found[0] != "Z" and found[2] == began else None

    @property
    def is_alive(self):
        return self.pid is not None

    def start(self, argv, environment):
        os.makedirs(RUN, exist_ok=True)
        with open(log(self.name), "ab") as output:
            process = subprocess.Popen(
                argv, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        with open(self.record, "w") as file:
            json.dump([process.pid, status(process.pid)[2]], file)

    def members(self):
        """Every process of its session."""
        pid = self.pid
        found = ((int(name), status(name)) for name in os.listdir("/proc") if name.isdigit())
        return [number for number, fields in found if pid and fields and fields[1] == pid and fields[0] != "Z"]

    def signal(self, number):
        for member in self.members():
            try:
                os.kill(member, number)
            except ProcessLookupError:
                pass

    def stop(self, patience=10):
        """SIGTERM to the leader, and after `patience` seconds SIGKILL to whoever is left of its session. A patience of
        0 is a crash. Returns whether there was anything to stop."""
        pid = self.pid
        if pid is None:
            return False
        members = self.members()
        if patience > 0:
            os.kill(pid, signal.SIGTERM)
            await_end(pid, patience)
        for member in members:
            found = status(member)
            if found and found[1] == pid:
                try:
                    os.kill(member, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                await_end(member, 10)
        os.remove(self.record)
        return True


def await_end(pid, seconds):
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)
    try:
        # Only if it is a child of this process.
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def run(name, *commands, environment=None):
    """Runs one command after another, logged under a name."""
    with open(log(name), "ab") as output:
        for argv in commands:
            status = subprocess.run(
                argv, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False).returncode
            if status != 0:
                raise Broken(f"{' '.join(argv[:4])}… ended with {status}; the end of {log(name)}:\n{tail(name)}")
