"""Where everything is: the folder, the addresses, the names."""
import os

ROOT = os.environ.get("CIRRATA_OPENSTACK", "/var/tmp/cirrata-openstack")
ETC, LOG, RUN, DATA = (f"{ROOT}/{name}" for name in ("etc", "log", "run", "data"))
DONE = f"{ROOT}/done"
FAULTS = f"{ROOT}/faults.json"
CLOUDS = f"{ROOT}/clouds.yaml"
SOCKET = f"{RUN}/mysql.socket"
DRIVERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "drivers")

IP = "127.0.0.1"
PORTS = {
    "keystone": 5000, "glance": 9292, "placement": 8778, "neutron": 9696, "nova": 8774, "cinder": 8776,
    "rabbitmq": 25672, "rabbitmq-distribution": 25673, "epmd": 24369,
}
URL = {name: f"http://{IP}:{port}" for name, port in PORTS.items()}
REGION = "RegionOne"
HOST = "compute1"
ADMIN_PASSWORD = "admin"
SERVICE_PASSWORD = "service-secret"
# Loopback addresses, so that an sshd of this machine can answer for every server.
NETWORK = "127.20.0.0/16"
# The project that workers use, and another one that must never be touched.
PROJECTS = {"teuthology": "secret", "other": "other-secret"}


class Broken(Exception):
    """The cloud cannot be brought up; the text says why and where to look."""


def log(name):
    return f"{LOG}/{name}.log"


def tail(name, lines=15):
    try:
        with open(log(name), errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except FileNotFoundError:
        return "(nothing was logged)\n"


def database(name):
    return f"mysql+pymysql://root@localhost/{name}?unix_socket={SOCKET}&charset=utf8"


def broker():
    return f"rabbit://openstack:{SERVICE_PASSWORD}@{IP}:{PORTS['rabbitmq']}/"


def rabbitmq_environment():
    return os.environ | {
        "HOME": f"{DATA}/rabbitmq", "ERL_EPMD_PORT": str(PORTS["epmd"]), "ERL_EPMD_ADDRESS": IP,
        "RABBITMQ_NODENAME": "cirrata@localhost", "RABBITMQ_MNESIA_BASE": f"{DATA}/rabbitmq/mnesia",
        "RABBITMQ_LOG_BASE": LOG, "RABBITMQ_CONFIG_FILE": f"{ETC}/rabbitmq.conf",
        "RABBITMQ_CONF_ENV_FILE": f"{ETC}/rabbitmq-env.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{ETC}/rabbitmq-plugins",
        "RABBITMQ_PID_FILE": f"{RUN}/rabbitmq.pid", "RABBITMQ_DIST_PORT": str(PORTS["rabbitmq-distribution"]),
        "RABBITMQ_NODE_IP_ADDRESS": IP,
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
