"""Cinder's own fake volumes, of which nothing is ever written, with faults that can be planned."""
from cinder.tests.fake_driver import FakeLoggingVolumeDriver

import cirrata_faults


class FaultyDriver(FakeLoggingVolumeDriver):
    VERSION = "1.0"

    def do_setup(self, context):
        pass

    def create_volume(self, volume):
        cirrata_faults.strike("cinder.create_volume", volume.display_name)

    def delete_volume(self, volume):
        cirrata_faults.strike("cinder.delete_volume", volume.display_name)

    def initialize_connection(self, volume, connector, **options):
        cirrata_faults.strike("cinder.initialize_connection", volume.display_name)
        return {"driver_volume_type": "iscsi", "data": {
            "access_mode": "rw", "target_discovered": False, "target_lun": 1, "target_portal": "127.0.0.1:3260",
            "target_iqn": f"iqn.2010-10.org.openstack:volume-{volume.id}"}}

    def terminate_connection(self, volume, connector, **options):
        cirrata_faults.strike("cinder.terminate_connection", volume.display_name)

    def get_volume_stats(self, refresh=False):
        self._stats = {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name"), "vendor_name": "cirrata",
            "driver_version": self.VERSION, "storage_protocol": "fake", "pools": [{
                "pool_name": "fake", "total_capacity_gb": 100000, "free_capacity_gb": 100000,
                "provisioned_capacity_gb": 0, "allocated_capacity_gb": 0, "reserved_percentage": 0,
                "max_over_subscription_ratio": 1.0, "multiattach": True, "QoS_support": False,
                "thin_provisioning_support": False, "thick_provisioning_support": True}]}
        return self._stats
