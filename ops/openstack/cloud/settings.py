"""The configuration files of all services, as sections of options, and their writing."""
import os

from cloud.place import (
    ADMIN_PASSWORD, CLOUDS, DATA, ETC, FAULTS, HOST, IP, LOG, PORTS, PROJECTS, REGION, SERVICE_PASSWORD, URL, broker,
    database)

FOLDERS = [
    f"{ETC}/keystone", f"{ETC}/placement", f"{ETC}/policy.d", LOG, f"{DATA}/mysql", f"{DATA}/rabbitmq",
    f"{DATA}/glance/images", f"{DATA}/glance/staging", f"{DATA}/glance/tasks", f"{DATA}/nova/instances",
    f"{DATA}/cinder", f"{DATA}/neutron", f"{DATA}/lock",
]


def login(user):
    return {
        "auth_url": URL["keystone"], "auth_type": "password", "project_domain_name": "Default",
        "user_domain_name": "Default", "project_name": "service", "username": user, "password": SERVICE_PASSWORD,
        "region_name": REGION,
    }


def authentication(user):
    """How a service checks the tokens of its callers, and how it speaks for them to others. Since CVE-2023-2088
    Cinder detaches nothing for a Nova that shows no token of its own with the role `service`."""
    return {
        "keystone_authtoken": login(user) | {
            "www_authenticate_uri": URL["keystone"], "service_token_roles": "service",
            "service_token_roles_required": "true",
            # Seconds; upstream's are 300. So a token that is revoked is soon refused.
            "token_cache_time": "5",
        },
        "service_user": login(user) | {"send_service_user_token": "true"},
    }


def basics(name):
    return {
        "DEFAULT": {"use_stderr": "true"},
        "oslo_concurrency": {"lock_path": f"{DATA}/lock"},
        "oslo_policy": {"policy_file": f"{ETC}/none.yaml", "policy_dirs": f"{ETC}/policy.d"},
        "oslo_messaging_notifications": {"driver": "noop"},
    } | ({} if name == "keystone" else authentication(name))


def joined(base, sections):
    return {name: base.get(name, {}) | sections.get(name, {}) for name in base | sections}


KEYSTONE = {
    "DEFAULT": {"public_endpoint": URL["keystone"]},
    "database": {"connection": database("keystone")},
    "fernet_tokens": {"key_repository": f"{ETC}/keystone/fernet"},
    "credential": {"key_repository": f"{ETC}/keystone/credential"},
    # With upstream's 12 rounds a token costs 0.25 s of processor time.
    "identity": {"password_hash_rounds": "4"},
    "token": {"provider": "fernet", "expiration": "3600"},
    # Inside the process, which is right only because Keystone runs as one.
    "cache": {"enabled": "true", "backend": "oslo_cache.dict"},
}
PLACEMENT = {
    "api": {"auth_strategy": "keystone"},
    "placement_database": {"connection": database("placement")},
}
GLANCE = {
    "DEFAULT": {"bind_host": IP, "bind_port": PORTS["glance"], "workers": 1, "enabled_backends": "file:file",
                "transport_url": broker()},
    "database": {"connection": database("glance")},
    "glance_store": {"default_backend": "file"},
    "file": {"filesystem_store_datadir": f"{DATA}/glance/images"},
    "os_glance_staging_store": {"filesystem_store_datadir": f"{DATA}/glance/staging"},
    "os_glance_tasks_store": {"filesystem_store_datadir": f"{DATA}/glance/tasks"},
    "paste_deploy": {"flavor": "keystone", "config_file": "/etc/glance/glance-api-paste.ini"},
}
NEUTRON = {
    "DEFAULT": {
        "bind_host": IP, "bind_port": PORTS["neutron"], "host": HOST, "core_plugin": "ml2", "service_plugins": "router",
        "api_workers": 1, "rpc_workers": 1, "rpc_state_report_workers": 0, "auth_strategy": "keystone",
        "api_paste_config": "/etc/neutron/api-paste.ini", "state_path": f"{DATA}/neutron", "transport_url": broker(),
        "notify_nova_on_port_status_changes": "true", "notify_nova_on_port_data_changes": "true",
    },
    "agent": {"report_interval": 20, "root_helper": "env"},
    "database": {"connection": database("neutron")},
    "ml2": {"type_drivers": "flat,vxlan", "tenant_network_types": "vxlan", "mechanism_drivers": "openvswitch",
            "extension_drivers": "port_security"},
    "ml2_type_flat": {"flat_networks": "*"},
    "ml2_type_vxlan": {"vni_ranges": "1:1000"},
    "nova": login("nova"),
}
NOVA = {
    "DEFAULT": {
        "state_path": f"{DATA}/nova", "instances_path": f"{DATA}/nova/instances", "transport_url": broker(),
        "my_ip": IP, "host": HOST, "compute_driver": "cirrata_nova.FaultyDriver", "enabled_apis": "osapi_compute",
        "osapi_compute_listen": IP, "osapi_compute_listen_port": PORTS["nova"], "osapi_compute_workers": 1,
        "vif_plugging_is_fatal": "false", "vif_plugging_timeout": 0,
        # Else instances that a restarted fake hypervisor has forgotten would be shut off.
        "sync_power_state_interval": -1,
    },
    "api": {"auth_strategy": "keystone"},
    "wsgi": {"api_paste_config": "/etc/nova/api-paste.ini"},
    "api_database": {"connection": database("nova_api")},
    "database": {"connection": database("nova")},
    "conductor": {"workers": 1},
    "scheduler": {"workers": 1},
    "vnc": {"enabled": "false"},
    "placement": login("nova"),
    "neutron": login("nova"),
    "cinder": login("nova") | {"os_region_name": REGION, "catalog_info": "volumev3::publicURL"},
    "glance": {"api_servers": URL["glance"], "num_retries": 1},
}
CINDER = {
    "DEFAULT": {
        "state_path": f"{DATA}/cinder", "transport_url": broker(), "my_ip": IP, "host": HOST,
        "auth_strategy": "keystone", "api_paste_config": "/etc/cinder/api-paste.ini",
        "resource_query_filters_file": "/etc/cinder/resource_filters.json", "osapi_volume_listen": IP,
        "osapi_volume_listen_port": PORTS["cinder"], "osapi_volume_workers": 1, "glance_api_servers": URL["glance"],
        "enabled_backends": "fake", "default_volume_type": "__DEFAULT__",
        "rootwrap_config": "/etc/cinder/rootwrap.conf", "periodic_interval": 20,
    },
    "fake": {"volume_driver": "cirrata_cinder.FaultyDriver", "volume_backend_name": "fake"},
    "database": {"connection": database("cinder")},
    "nova": login("nova"),
}
RABBITMQ = f"""\
listeners.tcp.1 = {IP}:{PORTS["rabbitmq"]}
default_user = openstack
default_pass = {SERVICE_PASSWORD}
log.file.level = warning
vm_memory_high_watermark.relative = 0.2
disk_free_limit.absolute = 200MB
"""


def clouds():
    """clouds.yaml as openstacksdk, its command line and Cirrata read it."""
    lines = ["clouds:"]
    for name, (user, project, password) in {
            "admin": ("admin", "admin", ADMIN_PASSWORD),
            **{project: (project, project, password) for project, password in PROJECTS.items()}}.items():
        lines += [
            f"  {name}:", f"    region_name: {REGION}", "    identity_api_version: 3", "    auth:",
            f"      auth_url: {URL['keystone']}/v3", f"      username: {user}", f"      password: {password}",
            f"      project_name: {project}", "      user_domain_name: Default", "      project_domain_name: Default"]
    return "\n".join(lines) + "\n"


def write(path, text, mode=0o644):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)


def write_all():
    """Writes every file anew, except the faults that somebody may have planned."""
    for folder in FOLDERS:
        os.makedirs(folder, exist_ok=True)
    for folder in ("fernet", "credential"):
        os.makedirs(f"{ETC}/keystone/{folder}", mode=0o700, exist_ok=True)
    # Whatever has a connection to the database would use it, and nova-compute must go through the conductor.
    compute = {name: options for name, options in NOVA.items() if name not in ("api_database", "database")}
    for path, name, sections in (
            ("keystone/keystone.conf", "keystone", KEYSTONE), ("placement/placement.conf", "placement", PLACEMENT),
            ("glance-api.conf", "glance", GLANCE), ("neutron.conf", "neutron", NEUTRON), ("nova.conf", "nova", NOVA),
            ("nova-compute.conf", "nova", compute), ("cinder.conf", "cinder", CINDER)):
        lines = []
        for section, options in joined(basics(name), sections).items():
            lines += [f"[{section}]", *(f"{key} = {value}" for key, value in options.items())]
        write(f"{ETC}/{path}", "\n".join(lines) + "\n", 0o600)
    write(f"{ETC}/rabbitmq.conf", RABBITMQ, 0o600)
    write(f"{ETC}/rabbitmq-env.conf", "")
    write(f"{ETC}/rabbitmq-plugins", "[].\n")
    write(CLOUDS, clouds(), 0o600)
    if not os.path.exists(FAULTS):
        write(FAULTS, "{}\n")
