"""Faults of the fake hypervisor and the fake disks, read at every call from faults.json:

    {"nova.spawn": {"match": "^ovh00[1-5]$", "delay": 20, "error": "disk full", "count": 1}}

`match` is a regular expression for the name of the server or volume; without it all are meant. `delay` is in seconds.
`count` is how often it strikes, counted anew when the file changes.
"""
import json
import os
import re
import time

FILE = os.path.join(os.environ.get("CIRRATA_OPENSTACK", "/var/tmp/cirrata-openstack"), "faults.json")
_struck = {}


class Fault(Exception):
    pass


def strike(place, name):
    """Raises `Fault` if one is planned for this call."""
    changed = os.stat(FILE).st_mtime_ns
    with open(FILE) as file:
        fault = json.load(file).get(place)
    if fault is None or not re.search(fault.get("match", ""), name or ""):
        return
    number = _struck[changed, place] = _struck.get((changed, place), 0) + 1
    if number > fault.get("count", number):
        return
    # eventlet's sleep: only this call waits.
    time.sleep(fault.get("delay", 0))
    if "error" in fault:
        raise Fault(fault["error"])
