"""Nova's own fake hypervisor, with faults that can be planned."""
from nova import exception
from nova.virt import fake

import cirrata_faults


class FaultyDriver(fake.FakeDriver):
    def spawn(self, context, instance, *arguments, **options):
        try:
            cirrata_faults.strike("nova.spawn", instance.display_name)
        except cirrata_faults.Fault as fault:
            # What a hypervisor raises that gives up: anything else would be tried on another host first.
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason=str(fault)) from fault
        return super().spawn(context, instance, *arguments, **options)

    def destroy(self, context, instance, *arguments, **options):
        cirrata_faults.strike("nova.destroy", instance.display_name)
        return super().destroy(context, instance, *arguments, **options)

    def attach_volume(self, context, connection_info, instance, *arguments, **options):
        cirrata_faults.strike("nova.attach_volume", instance.display_name)
        return super().attach_volume(context, connection_info, instance, *arguments, **options)

    def detach_volume(self, context, connection_info, instance, *arguments, **options):
        cirrata_faults.strike("nova.detach_volume", instance.display_name)
        return super().detach_volume(context, connection_info, instance, *arguments, **options)
