"""Answers what teuthology asks its nodes over ssh, for the Sandbox's have no sshd. Python imports it at every start."""
import gc

from teuthology import misc
from teuthology.lock import ops

# With gevent 24.11.1 a greenlet is now and then forgotten in the queue of urllib3's pools, and teuthology ends with
# LoopExit: seen in 3 of about 85 runs of teuthology-kill for six nodes, and without the collector in none of 100.
gc.disable()


def ssh_keyscan(names, _raise=True):
    return {misc.canonicalize_hostname(name, user=None): "ssh-rsa AAAA" for name in names}


misc.ssh_keyscan = ssh_keyscan
ops.update_nodes = lambda nodes, reset_os=False: None
