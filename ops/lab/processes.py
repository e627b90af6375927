"""Starting programs and ending them, whatever happens."""
import os
import signal
import socket
import subprocess
import threading


class Broken(Exception):
    """The script cannot go on."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def follow(stream, take):
    """Hands every line to `take` from a thread that ends with the stream."""

    def read():
        for text in stream:
            take(text.rstrip("\n"))

    threading.Thread(target=read, daemon=True).start()


class Processes:
    """Everything that is started, each in a process group of its own, and its end."""

    def __init__(self, folder):
        self.folder = folder
        self.running = []
        self.changing = threading.Lock()

    def start(self, name, argv, **options):
        with open(f"{self.folder}/{name}.log", "ab") as log:
            options = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log} | options
            # Should this process be killed without a chance to clean up, its children die with it.
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *argv], start_new_session=True, **options)
        with self.changing:
            self.running.append((name, process))
        return process

    def stop(self, process, patience=15):
        """SIGTERM, and SIGKILL for the whole group when it does not help. Returns the exit status."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            # A stopped one hears nothing.
            process.send_signal(signal.SIGCONT)
        try:
            status = process.wait(patience)
        except subprocess.TimeoutExpired:
            status = None
        self.kill(process)
        return status

    def kill(self, process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        with self.changing:
            self.running = [entry for entry in self.running if entry[1] is not process]

    def stop_all(self):
        for _, process in reversed(list(self.running)):
            # Whoever interrupts a script does not want to wait for drained workers.
            self.stop(process, patience=3)

    def left(self):
        return [name for name, process in self.running if process.poll() is None]

    def log(self, name):
        """The end of what a program wrote."""
        with open(f"{self.folder}/{name}.log", errors="replace") as file:
            return file.read()[-2000:]
