"""Puts Cirrata in the place of teuthology's own provisioners, from outside.

`cirrata.pth` imports this in every Python program of the environment, so that the supervisors that a dispatcher starts
have it too. Nothing is imported or changed until teuthology itself imports the modules concerned.
"""
import contextlib
import contextvars
import functools
import importlib.abc
import importlib.machinery
import logging
import signal
import sys
import threading

log = logging.getLogger(__name__)
# In the dispatcher's loop the locked machines do not exist yet. Each greenlet and thread has its own.
locking = contextvars.ContextVar("locking", default=False)


def settings():
    from teuthology.config import config
    return config.get("cirrata") or {}


def types():
    return list(settings().get("machine_types", []))


def client():
    from teuthology.config import config
    from cirrata_teuthology.client import Client
    return Client(config.queue_host, int(config.queue_port), int(settings().get("timeout", 3600)))


@contextlib.contextmanager
def terminable():
    """SIGTERM, which teuthology-kill sends, is an interruption like Ctrl-C; else the process would be gone at once."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def change_cloud(module):
    own_types = module.get_types

    @functools.wraps(own_types)
    def get_types():
        # The backend's configuration may stay as it is; its machines are not made in the dispatcher any more.
        return [name for name in own_types() if name not in types()]

    module.get_types = get_types


def change_provision(module):
    own_types, own_reimage = module.get_reimage_types, module.reimage
    own_create, own_destroy = module.create_if_vm, module.destroy_if_vm

    def create(ctx, name, status):
        """For whom the node is locked: commands that people give have no job's configuration."""
        if not status:
            raise RuntimeError(f"paddles does not know {name}")
        config = getattr(ctx, "config", None) or {}
        client().create(
            status["machine_type"], status["name"], status["locked_by"], lock_description=status["description"] or None,
            os_type=module.get_distro(ctx), os_version=str(module.get_distro_version(ctx)),
            openstack=config.get("openstack"), name=config.get("name"), job_id=config.get("job_id"))
        return True

    @functools.wraps(own_types)
    def get_reimage_types():
        return own_types() + types()

    @functools.wraps(own_reimage)
    def reimage(ctx, machine_name, machine_type):
        if machine_type not in types():
            return own_reimage(ctx, machine_name, machine_type)
        return create(ctx, machine_name, module.teuthology.lock.query.get_status(machine_name))

    @functools.wraps(own_create)
    def create_if_vm(ctx, machine_name, _downburst=None):
        status = module.teuthology.lock.query.get_status(machine_name)
        if status.get("machine_type") not in types():
            return own_create(ctx, machine_name, _downburst)
        return create(ctx, machine_name, status)

    @functools.wraps(own_destroy)
    def destroy_if_vm(machine_name, user="", description="", _downburst=None):
        query = module.teuthology.lock.query
        status = query.get_status(machine_name)
        if not status or status.get("machine_type") not in types():
            return own_destroy(machine_name, user, description, _downburst)
        # Not query.is_vm, which says no while machines are being locked.
        if not status["is_vm"]:
            return True
        owner = status["locked_by"]
        if (user and user != owner) or (description and description != status["description"]):
            log.error(
                "%s is locked by %s with description %s: not destroyed", machine_name, owner, status["description"])
            return False
        if not owner:
            # Cirrata destroys for an owner only.
            return True
        try:
            client().destroy(
                status["machine_type"], status["name"], owner, lock_description=status["description"] or None)
        except Exception:
            log.exception("%s is not destroyed", machine_name)
            return False
        return True

    module.get_reimage_types, module.reimage = get_reimage_types, reimage
    module.create_if_vm, module.destroy_if_vm = create_if_vm, destroy_if_vm


def change_locking(module):
    own_lock, own_is_vm = module.block_and_lock_machines, module.query.is_vm
    own_reimage = module.reimage_machines

    def abandon(machine_type, locks):
        for lock in locks:
            if lock.get("locked_by"):
                client().abandon(machine_type, {
                    "node": lock["name"], "owner": lock["locked_by"], "lock_description": lock["description"]})

    @functools.wraps(own_reimage)
    def reimage_machines(ctx, machines, machine_type):
        if machine_type not in types():
            return own_reimage(ctx, machines, machine_type)
        locks = [module.query.get_status(name) for name in machines]
        # With an archive teuthology records every machine's console, and these have none that it could reach.
        archive, ctx.archive = getattr(ctx, "archive", None), None
        try:
            with terminable():
                try:
                    return own_reimage(ctx, machines, machine_type)
                except BaseException:
                    # teuthology only unlocks what it has locked; those that were built before one failed would stay.
                    abandon(machine_type, locks)
                    raise
        finally:
            ctx.archive = archive

    @functools.wraps(own_lock)
    def block_and_lock_machines(*arguments, **named):
        before = locking.set(True)
        try:
            return own_lock(*arguments, **named)
        finally:
            locking.reset(before)

    @functools.wraps(own_is_vm)
    def is_vm(name=None, status=None):
        if locking.get():
            status = status or module.query.get_status(name)
            if status.get("machine_type") in types():
                return False
        return own_is_vm(name, status)

    module.block_and_lock_machines, module.query.is_vm = block_and_lock_machines, is_vm
    module.reimage_machines = reimage_machines


CHANGES = {
    "teuthology.provision.cloud": change_cloud, "teuthology.provision": change_provision,
    "teuthology.lock.ops": change_locking}


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name not in CHANGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            own_exec = spec.loader.exec_module

            def exec_module(module):
                own_exec(module)
                CHANGES[name](module)

            spec.loader.exec_module = exec_module
        return spec


def install():
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
