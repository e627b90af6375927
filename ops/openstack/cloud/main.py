"""What ops/openstack/up and down do once the packages are installed."""
import concurrent.futures
import fcntl
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cloud import databases, settings
from cloud.api import Cloud, Refused
from cloud.contents import Contents
from cloud.place import CLOUDS, LOG, ROOT, RUN, Broken
from cloud.services import SERVICES, named

BEGAN = time.monotonic()


def say(text):
    # In one piece: print writes the end of the line by itself, and several threads speak.
    sys.stdout.write(f"{time.monotonic() - BEGAN:6.1f} s  {text}\n")
    sys.stdout.flush()


class Plan:
    """Acts that run at once, each when those are done that it needs. The first that fails ends the plan."""

    def __init__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(max_workers=64)
        self.acts = {}

    def add(self, name, act, *needs):
        # Of acts that were added before, so that none waits for one that never comes.
        needed = [self.acts[need] for need in needs]

        def run():
            for future in needed:
                future.result()
            act()
            say(name)

        self.acts[name] = self.pool.submit(run)

    def end(self):
        try:
            for future in concurrent.futures.as_completed(self.acts.values()):
                future.result()
        finally:
            self.pool.shutdown(wait=False, cancel_futures=True)


def everything():
    settings.write_all()
    contents = Contents(Cloud.of("admin"))
    plan = Plan()

    def service(name, *needs):
        plan.add(name, SERVICES[name].start, *needs)

    plan.add("database server installed", databases.install_mysql)
    service("mysql", "database server installed")
    plan.add("databases", databases.create_databases, "mysql")
    for name, act in databases.SCHEMAS.items():
        plan.add(f"{name} schema", lambda name=name, act=act: databases.once(name, act), "databases")
    service("epmd")
    service("rabbitmq", "epmd")
    service("keystone", "keystone schema")
    plan.add("users and catalog", contents.identity, "keystone")
    service("placement", "placement schema", "users and catalog")
    service("glance-api", "glance schema", "rabbitmq", "users and catalog")
    service("neutron-server", "neutron schema", "rabbitmq", "users and catalog")
    service("l2-agent", "neutron-server")
    for name in ("nova-conductor", "nova-scheduler", "nova-api"):
        service(name, "nova schema", "rabbitmq", "placement")
    service("nova-compute", "nova-conductor")
    for name in ("cinder-scheduler", "cinder-volume", "cinder-api"):
        service(name, "cinder schema", "rabbitmq", "users and catalog")
    plan.add("host mapped", databases.map_host, "nova-compute")
    plan.add("compute host is up", contents.compute_host, "host mapped", "nova-api")
    plan.add("volume host is up", contents.volume_host, "cinder-volume", "cinder-api")
    plan.add("images", contents.images, "glance-api")
    plan.add("flavors", contents.flavors, "nova-api")
    plan.add("network", contents.network, "neutron-server")
    plan.end()


def up(names):
    os.makedirs(RUN, exist_ok=True)
    os.makedirs(LOG, exist_ok=True)
    with open(f"{ROOT}/lock", "w") as lock:
        # Two at once would write each other's databases.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if names:
            for service in named(names):
                service.start()
                say(service.name)
        else:
            everything()
    print(f"up after {time.monotonic() - BEGAN:.1f} s; logins in {CLOUDS}, logs in {LOG}")


def down(arguments):
    wipes = arguments == ["--wipe"]
    services = named(SERVICES if wipes or not arguments else arguments)
    # Whoever needs a database or the broker goes first, all at once.
    infrastructure = [service for service in services if service.name in ("mysql", "rabbitmq", "epmd")]
    with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
        for group in ([s for s in services if s not in infrastructure],
                      [s for s in infrastructure if s.name != "epmd"],
                      [s for s in infrastructure if s.name == "epmd"]):
            for service, stopped in zip(group, pool.map(lambda service: service.stop(), group)):
                if stopped:
                    say(f"{service.name} stopped")
    if wipes:
        shutil.rmtree(ROOT, ignore_errors=True)
    print(f"down after {time.monotonic() - BEGAN:.1f} s")


def main(verb, arguments):
    try:
        {"up": up, "down": down}[verb](arguments)
    except (Broken, Refused, OSError) as problem:
        print(f"ops/openstack/{verb}: {problem}", file=sys.stderr)
        # Other acts may still run; their processes are on record, so another `up` goes on from there.
        sys.stdout.flush()
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
