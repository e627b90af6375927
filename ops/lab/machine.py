"""One server as a machine with a real sshd. Runs as root in mount, host name and process namespaces of its own.

Its files are this system's with a layer of its own on top. A small cloud-init does what the server's user data says:
host name, the user's keys, host keys, commands. Usage: machine.py FOLDER, with FOLDER/machine.json as Machines writes
it. Standard output tells what happens, sshd's log included; standard input takes `go on` and `new keys`.
"""
import base64
import json
import os
import pwd
import socket
import subprocess
import sys
import threading
import zlib

import yaml

SSHD = """\
ListenAddress {address}
HostKey /etc/ssh/ssh_host_rsa_key
HostKey /etc/ssh/ssh_host_ecdsa_key
HostKey /etc/ssh/ssh_host_ed25519_key
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
"""


def say(text):
    print(text, flush=True)


def run(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def enter(folder):
    """Changes of this machine go into memory and end with it."""
    run("mount", "-t", "tmpfs", "machine", folder)
    for name in ("changes", "work", "root"):
        os.mkdir(f"{folder}/{name}")
    run("mount", "-t", "overlay", "machine", "-o",
        f"lowerdir=/,upperdir={folder}/changes,workdir={folder}/work", f"{folder}/root")
    run("mount", "--rbind", "/dev", f"{folder}/root/dev")
    run("mount", "-t", "proc", "proc", f"{folder}/root/proc")
    os.chroot(f"{folder}/root")
    os.chdir("/")


def write(path, text, mode=0o644):
    # Not through a link, which would be another file.
    if os.path.lexists(path):
        os.unlink(path)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)


def read_user_data(encoded):
    data = base64.b64decode(encoded)
    if data[:2] == b"\x1f\x8b":
        data = zlib.decompress(data, wbits=31)
    return yaml.safe_load(data)


def set_up(settings, user_data):
    """What cloud-init does before sshd starts."""
    write("/etc/os-release", settings["os_release"])
    name = settings.get("hostname") or user_data["hostname"].split(".")[0]
    socket.sethostname(name)
    write("/etc/hostname", f"{name}\n")
    user = user_data["user"]
    try:
        pwd.getpwnam(user)
    except KeyError:
        # No password, but not locked either: without PAM sshd refuses whoever is locked.
        run("useradd", "--create-home", "--shell", "/bin/bash", "--password", "*", user)
    entry = pwd.getpwnam(user)
    folder = f"{entry.pw_dir}/.ssh"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    keys = [] if settings.get("refuses") else user_data.get("ssh_authorized_keys", [])
    write(f"{folder}/authorized_keys", "".join(f"{key}\n" for key in keys), mode=0o600)
    for path in (folder, f"{folder}/authorized_keys"):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    os.makedirs("/run/sshd", exist_ok=True)
    write("/etc/ssh/sshd_config", SSHD.format(address=settings["address"]))


def make_host_keys():
    for kind in ("rsa", "ecdsa", "ed25519"):
        path = f"/etc/ssh/ssh_host_{kind}_key"
        for old in (path, f"{path}.pub"):
            if os.path.lexists(old):
                os.unlink(old)
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path)


def start_sshd():
    """Returns when it listens."""
    process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e"], stderr=subprocess.PIPE, text=True)
    listens = threading.Event()

    def read():
        for line in process.stderr:
            say(line.rstrip())
            if "Server listening" in line:
                listens.set()

    threading.Thread(target=read, daemon=True).start()
    if not listens.wait(10):
        sys.exit("sshd does not start")
    return process


def finish(user_data):
    """cloud-init's last stage. Packages count as installed."""
    for command in user_data.get("runcmd", []):
        run(*(command if isinstance(command, list) else ["sh", "-c", command]))
    say("cloud-init is through")


def stay_silent(address):
    """Accepts whoever comes, and never speaks."""
    with socket.create_server((address, 22), backlog=100) as server:
        say("machine is up")
        open_ones = []
        while True:
            open_ones.append(server.accept())
            say("accepted")


def main(folder):
    with open(f"{folder}/machine.json") as file:
        settings = json.load(file)
    if settings.get("silent"):
        stay_silent(settings["address"])
    user_data = read_user_data(settings["user_data"])
    enter(folder)
    set_up(settings, user_data)
    make_host_keys()
    sshd = start_sshd()
    say("machine is up")
    if not settings.get("slow"):
        finish(user_data)
    for line in sys.stdin:
        match line.strip():
            case "go on":
                finish(user_data)
            case "new keys":
                sshd.terminate()
                sshd.wait()
                make_host_keys()
                sshd = start_sshd()
                say("new host keys")


main(sys.argv[1])
