"""teuthology's own cloud backend at work, for ops/peer; runs in an environment with teuthology and without Cirrata.

Usage: backend.py WAY NODES VOLUMES OWNER. Its configuration is ~/.teuthology.yaml. It says what happens as JSON, one object
a line, and waits for a line of input before it locks and creates, and another before it destroys and unlocks.

WAY is `one-after-another`, which is teuthology's `lock_many` as its dispatcher calls it, or `at-once`, which no part of
teuthology does: the same, with `create_if_vm` for all nodes at once in teuthology's own `parallel`. When nodes are
missing, the dispatcher's `block_and_lock_machines` sleeps for 10 s and asks for the missing ones, again and again,
and takes no other job meanwhile; here it asks once more.

Everything is teuthology's own but what needs real hosts, as the Sandbox has none: the wait for ssh with the 20 s of sleep
before it, ssh-keyscan, and the inventory that is asked over ssh (two PUTs to paddles for each node are saved by that).
"""
import gc
import json
import logging
import sys
import time
import types

import teuthology.provision
from teuthology import misc
from teuthology.lock import ops, query
from teuthology.parallel import parallel
from teuthology.provision.cloud import openstack

MACHINE_TYPE = "ovh"
DESCRIPTION = "/archive/peer/1"
ROUNDS = 2


def stub_ssh():
    openstack.OpenStackProvisioner._wait_for_ready = lambda provisioner: None
    # The only sleep of that module is the one before the wait for ssh.
    openstack.time = types.SimpleNamespace(sleep=lambda seconds: None)
    misc.ssh_keyscan = lambda names, _raise=True: {name: "ssh-rsa AAAA" for name in names}
    ops.update_nodes = lambda nodes, reset_os=False: None


def say(event, **members):
    print(json.dumps({"event": event} | members), flush=True)


def report_ready_nodes():
    """Says of each node when it is created."""
    create_if_vm = teuthology.provision.create_if_vm

    def create(ctx, name, _downburst=None):
        created = create_if_vm(ctx, name, _downburst)
        if created:
            say("ready", node=name)
        return created

    teuthology.provision.create_if_vm = create


def lock_many_at_once(ctx, count, owner):
    """`lock_many` for machines of a cloud, all of them at once."""
    names = [node["name"] for node in query.list_locks(machine_type=MACHINE_TYPE, up=True, locked=False, count=count)]
    for name in names:
        ops.lock_one(name, owner, DESCRIPTION)

    def create(name):
        if teuthology.provision.create_if_vm(ctx, name):
            return name
        ops.unlock_one(name, owner)
        return None

    with parallel() as tasks:
        for name in names:
            tasks.spawn(create, name)
        created = [name for name in tasks if name]
    return ops.do_update_keys(created)[1]


def main():
    way, count, volumes, owner = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # With gevent 24.11.1 a greenlet of `parallel` is now and then never woken again, in the lock of a pool of connections.
    # We suspect the pools' finalizers, which the collector runs wherever it happens to start.
    gc.disable()
    stub_ssh()
    report_ready_nodes()
    config = {"owner": owner, "archive_path": DESCRIPTION, "openstack": [{"volumes": {"count": volumes, "size": 10}}]}
    ctx = types.SimpleNamespace(config=config, machine_type=MACHINE_TYPE, os_type="ubuntu", os_version="22.04")
    say("prepared")
    sys.stdin.readline()
    nodes = []
    for number in range(ROUNDS):
        if number > 0:
            time.sleep(10)
        if way == "at-once":
            nodes += lock_many_at_once(ctx, count - len(nodes), owner)
        else:
            nodes += ops.lock_many(ctx, count - len(nodes), MACHINE_TYPE, owner, DESCRIPTION, "ubuntu", "22.04", None)
        say("round", nodes=len(nodes))
        if len(nodes) == count:
            break
    say("provisioned", nodes=sorted(nodes))
    sys.stdin.readline()
    # All at once, as `unlock_safe` does it for a job's supervisor once paddles says that the job is over; the Sandbox's
    # paddles knows no jobs.
    with parallel() as tasks:
        for name in sorted(nodes):
            tasks.spawn(ops.unlock_one, name, owner, DESCRIPTION)
    say("destroyed")


if __name__ == "__main__":
    main()
