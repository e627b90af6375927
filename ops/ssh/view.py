"""What teuthology itself would write into paddles about nodes: `view.py NODE...` prints it as JSON.

Its own functions, which look over the network: what runs when nodes are locked, and teuthology-update-inventory.
"""
import json
import sys

from teuthology import misc
from teuthology.orchestra.remote import Remote


def inventory(name):
    remote = Remote(misc.canonicalize_hostname(name))
    remote.connect()
    return remote.inventory_info


names = sys.argv[1:]
print(json.dumps({"keys": misc.ssh_keyscan(names), "inventory": {name: inventory(name) for name in names}}))
