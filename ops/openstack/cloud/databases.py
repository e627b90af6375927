"""The schemas of all services: made once, and noted when they are complete."""
import os
import subprocess

from cloud.place import ADMIN_PASSWORD, DATA, DONE, ETC, REGION, SOCKET, URL, database
from cloud.processes import run

NAMES = ["keystone", "glance", "placement", "neutron", "nova_api", "nova", "nova_cell0", "cinder"]


def once(name, act):
    """What was interrupted is not noted, and is done again: all of it can be repeated."""
    mark = f"{DONE}/{name}"
    if not os.path.exists(mark):
        act()
        os.makedirs(DONE, exist_ok=True)
        open(mark, "w").close()


def install_mysql():
    once("mysql", lambda: run(
        "setup-mysql",
        ["rm", "-rf", f"{DATA}/mysql"],
        ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={DATA}/mysql", "--skip-test-db",
         "--auth-root-authentication-method=normal"]))


def create_databases():
    once("databases", lambda: run("setup-mysql", [
        "mariadb", "--no-defaults", f"--socket={SOCKET}", "--user=root", "--execute",
        "".join(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb3;" for name in NAMES)]))


def keystone():
    manage = ["keystone-manage", "--config-dir", f"{ETC}/keystone"]
    user = ["--keystone-user", "root", "--keystone-group", "root"]
    url = f"{URL['keystone']}/v3"
    run("setup-keystone",
        [*manage, "fernet_setup", *user], [*manage, "credential_setup", *user], [*manage, "db_sync"],
        [*manage, "bootstrap", "--bootstrap-password", ADMIN_PASSWORD, "--bootstrap-admin-url", url,
         "--bootstrap-internal-url", url, "--bootstrap-public-url", url, "--bootstrap-region-id", REGION])


def placement():
    run("setup-placement", ["placement-manage", "--config-dir", f"{ETC}/placement", "db", "sync"],
        environment=os.environ | {"OS_PLACEMENT_CONFIG_DIR": f"{ETC}/placement"})


def glance():
    run("setup-glance", ["glance-manage", "--config-file", f"{ETC}/glance-api.conf", "db_sync"])


def neutron():
    run("setup-neutron", ["neutron-db-manage", "--config-file", f"{ETC}/neutron.conf", "upgrade", "head"])


def cinder():
    run("setup-cinder", ["cinder-manage", "--config-file", f"{ETC}/cinder.conf", "db", "sync"])


def nova():
    manage = ["nova-manage", "--config-file", f"{ETC}/nova.conf"]
    run("setup-nova", [*manage, "api_db", "sync"],
        [*manage, "cell_v2", "map_cell0", "--database_connection", database("nova_cell0")])
    cells = subprocess.run([*manage, "cell_v2", "list_cells"], capture_output=True, text=True, check=False).stdout
    if " cell1 " not in cells:
        run("setup-nova", [*manage, "cell_v2", "create_cell", "--name", "cell1"])
    run("setup-nova", [*manage, "db", "sync"])


def map_host():
    """The scheduler sees a compute host only when a cell has it."""
    once("host", lambda: run(
        "setup-nova", ["nova-manage", "--config-file", f"{ETC}/nova.conf", "cell_v2", "discover_hosts"]))


SCHEMAS = {"keystone": keystone, "placement": placement, "glance": glance, "neutron": neutron, "nova": nova,
           "cinder": cinder}
