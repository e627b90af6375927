"""Nova's own fake hypervisor, with faults that can be planned, and with what `node` needs to answer ssh for a server."""
import base64
import os
import re

from nova import exception
from nova.virt import fake

import cirrata_faults

# A file for each address that has a server: the name that cloud-init would give it.
BOOTED = os.path.join(os.path.dirname(cirrata_faults.FILE), "booted")


def hostname(instance):
    """As cloud-init finds it: in the user data, else from the metadata service."""
    user_data = base64.b64decode(instance.user_data or "").decode(errors="replace")
    found = re.search(r"(?m)^hostname: *['\"]?([A-Za-z0-9.-]+)", user_data)
    return found[1] if found else instance.hostname


def files(network_info):
    for interface in network_info or []:
        for address in interface.fixed_ips():
            yield f"{BOOTED}/{address['address']}"


class FaultyDriver(fake.FakeDriver):
    def spawn(self, context, instance, *arguments, network_info=None, **options):
        try:
            cirrata_faults.strike("nova.spawn", instance.display_name)
        except cirrata_faults.Fault as fault:
            # What a hypervisor raises that gives up: anything else would be tried on another host first.
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason=str(fault)) from fault
        super().spawn(context, instance, *arguments, network_info=network_info, **options)
        os.makedirs(BOOTED, exist_ok=True)
        for path in files(network_info):
            with open(f"{path}.new", "w") as file:
                file.write(hostname(instance))
            os.replace(f"{path}.new", path)

    def destroy(self, context, instance, network_info, *arguments, **options):
        cirrata_faults.strike("nova.destroy", instance.display_name)
        super().destroy(context, instance, network_info, *arguments, **options)
        for path in files(network_info):
            if os.path.exists(path):
                os.remove(path)

    def attach_volume(self, context, connection_info, instance, *arguments, **options):
        cirrata_faults.strike("nova.attach_volume", instance.display_name)
        return super().attach_volume(context, connection_info, instance, *arguments, **options)

    def detach_volume(self, context, connection_info, instance, *arguments, **options):
        cirrata_faults.strike("nova.detach_volume", instance.display_name)
        return super().detach_volume(context, connection_info, instance, *arguments, **options)
