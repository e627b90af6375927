"""teuthology's own locking, reimage and unlock code against Sandbox, beanstalkd and workers (see ops/teuthology/test).

Two jobs lock three nodes each; all six boots have to overlap. Then both unlock, and nothing may be left. A third job is
interrupted while its nodes boot. With `job USER` as arguments this is one of those jobs.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import types

OPS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMIT = 60


def job(user):
    from teuthology import misc
    from teuthology.lock import ops
    # The Sandbox's names are not this host's, and no sshd is behind them; all else is teuthology's own.
    misc.ssh_keyscan = lambda names, _raise=True: {name: "ssh-rsa AAAA" for name in names}
    ops.update_nodes = lambda nodes, reset_os=False: None
    config = {"owner": user, "archive_path": f"/archive/{user}", "name": "run", "job_id": user}
    ctx = types.SimpleNamespace(config=config, machine_type="ovh", os_type="ubuntu", os_version="22.04")
    nodes = sorted(ops.lock_many(ctx, 3, "ovh", user, config["archive_path"], "ubuntu", "22.04", None))
    print(json.dumps(nodes), flush=True)
    sys.stdin.readline()
    for node in nodes:
        if not ops.unlock_one(node, user, config["archive_path"]):
            sys.exit(f"{node} is not unlocked")


def run(cirrata):
    sys.path.insert(0, OPS)
    import demo

    def wait(what, condition):
        deadline = time.monotonic() + LIMIT
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"not within {LIMIT} s: {what}")
            time.sleep(0.1)

    demo.SANDBOX = {key: value for key, value in demo.SANDBOX.items() if key != "allow_hosts"} | {"boot": 6}
    with tempfile.TemporaryDirectory() as folder:
        lab = demo.Lab(cirrata, folder)
        try:
            lab.start()
            environment = os.environ | {"HOME": folder}
            with open(f"{folder}/.teuthology.yaml", "w") as file:
                json.dump({
                    "lab_domain": demo.DOMAIN, "lock_server": f"{lab.sandbox.root}/paddles/",
                    "results_server": f"{lab.sandbox.root}/paddles/", "queue_host": "127.0.0.1",
                    "queue_port": lab.port, "cirrata": {"machine_types": ["ovh"], "timeout": LIMIT},
                }, file)

            def start(user):
                return lab.processes.start(
                    user, [sys.executable, __file__, "job", user], env=environment, stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, text=True)

            def booting():
                return sum(server["status"] == "BUILD" for server in lab.sandbox.state()["servers"])

            def held():
                return [node["name"] for node in lab.sandbox.state()["nodes"] if node["locked"]]

            jobs = [start("first@lab"), start("second@lab")]
            wait("six boots at once", lambda: booting() == 6)
            nodes = [json.loads(process.stdout.readline()) for process in jobs]
            assert len(set(sum(nodes, []))) == 6, nodes
            state = lab.sandbox.state()
            assert [server["status"] for server in state["servers"]] == ["ACTIVE"] * 6, state["servers"]
            for process in jobs:
                process.stdin.write("\n")
                process.stdin.flush()
            assert [process.wait(LIMIT) for process in jobs] == [0, 0]
            assert lab.sandbox.state()["servers"] == [] and held() == []
            print("two jobs of three nodes: six boots overlapped, unlock destroyed them", flush=True)

            third = start("third@lab")
            wait("three boots", lambda: booting() == 3)
            third.send_signal(signal.SIGINT)
            third.wait(LIMIT)
            wait("an interrupted job leaves no server", lambda: lab.sandbox.state()["servers"] == [])
            print("an interrupted job: its servers are destroyed", flush=True)
        except BaseException:
            for name in ("first@lab", "second@lab", "third@lab"):
                if os.path.exists(f"{folder}/{name}.log"):
                    print(lab.processes.log(name), file=sys.stderr)
            raise
        finally:
            lab.processes.stop_all()


if __name__ == "__main__":
    job(sys.argv[2]) if sys.argv[1] == "job" else run(sys.argv[1])
