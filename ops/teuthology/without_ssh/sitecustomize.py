"""Answers what teuthology asks its nodes over ssh, for the Sandbox's have no sshd. Python imports it at every start."""
from teuthology import misc
from teuthology.lock import ops


def ssh_keyscan(names, _raise=True):
    return {misc.canonicalize_hostname(name, user=None): "ssh-rsa AAAA" for name in names}


misc.ssh_keyscan = ssh_keyscan
ops.update_nodes = lambda nodes, reset_os=False: None
