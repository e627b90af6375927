"""Stands in for Neutron's Open vSwitch agent: l2_agent.py CONFIG FILE

It says that the agent of the host lives, so that ports are bound to it, and that every bound port is up, so that Nova
hears of it. FILE gets its process id once Neutron has heard of it.
"""
import eventlet

eventlet.monkey_patch()
import os
import sys
import traceback

from keystoneauth1 import loading, session
from neutron.agent import rpc
from neutron.common import config
from neutron.conf.agent import common
from neutron_lib import context
from neutron_lib.agent import topics
from oslo_config import cfg

CONFIG, REPORTED = sys.argv[1:3]
sys.argv = ["l2-agent"]
BEAT = 20
STATE = {
    "agent_type": "Open vSwitch agent", "binary": "neutron-openvswitch-agent", "topic": "N/A", "start_flag": True,
    "configurations": {
        "bridge_mappings": {"public": "br-ex"}, "tunnel_types": ["vxlan"], "tunneling_ip": "127.0.0.1",
        "l2_population": False, "arp_responder_enabled": False, "enable_distributed_routing": False,
        "log_agent_heartbeats": False, "extensions": [], "datapath_type": "system",
        "ovs_capabilities": {"datapath_types": ["system"], "iface_types": ["internal"]}, "vhostuser_socket_dir": "",
        "ovs_hybrid_plug": False, "in_distributed_mode": False, "devices": 0, "integration_bridge": "br-int",
        "bridge": "br-int"}}


def report(caller, host):
    reports = rpc.PluginReportStateAPI(topics.REPORTS)
    state = STATE | {"host": host}
    while True:
        try:
            reports.report_state(caller, state, use_call=True)
        except Exception:
            # Neutron or RabbitMQ is not there: this agent has nothing to do but to try again.
            traceback.print_exc()
            eventlet.sleep(2)
            continue
        if state.pop("start_flag", False):
            with open(REPORTED, "w") as file:
                file.write(str(os.getpid()))
        eventlet.sleep(BEAT)


def raise_ports(caller, host):
    plugin = rpc.PluginApi(topics.PLUGIN)
    loading.register_auth_conf_options(cfg.CONF, "keystone_authtoken")
    neutron = session.Session(auth=loading.load_auth_from_conf_options(cfg.CONF, "keystone_authtoken"))
    url = f"http://{cfg.CONF.bind_host}:{cfg.CONF.bind_port}/v2.0/ports"
    while True:
        try:
            for port in neutron.get(f"{url}?status=DOWN&binding:host_id={host}").json()["ports"]:
                if port["binding:vif_type"] == "ovs":
                    plugin.update_device_up(caller, port["id"], "l2-agent", host)
        except Exception:
            traceback.print_exc()
        eventlet.sleep(0.5)


def main():
    config.register_common_config_options()
    common.register_agent_state_opts_helper(cfg.CONF)
    config.init(["--config-file", CONFIG])
    caller = context.get_admin_context_without_session()
    eventlet.spawn(report, caller, cfg.CONF.host)
    raise_ports(caller, cfg.CONF.host)


main()
