"""Every service: how it is started, and when it is ready."""
import http.client
import os
import socket
import urllib.error
import urllib.request

from cloud.place import (
    DATA, DRIVERS, ETC, HOST, IP, PORTS, RUN, SERVICE_PASSWORD, SOCKET, URL, Broken, rabbitmq_environment)
from cloud.processes import Process, wait

LIMIT = 240
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(url):
    """Whether somebody speaks HTTP there; 300 is how some show their versions."""
    try:
        DIRECT.open(url, timeout=10).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, http.client.HTTPException):
        return False
    return True


def listens(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def consumes(queue):
    """Whether a service takes messages from its queue, which it begins with when all else is prepared."""
    import amqp  # Debian's, which the services themselves use

    try:
        with amqp.Connection(
                f"{IP}:{PORTS['rabbitmq']}", userid="openstack", password=SERVICE_PASSWORD, connect_timeout=5,
                read_timeout=5) as connection:
            return connection.channel().queue_declare(queue, passive=True).consumer_count > 0
    except (amqp.AMQPError, OSError):
        return False


class Service:
    def __init__(self, name, argv, ready, environment=None, port=None):
        self.name = name
        self.argv = argv
        self.ready = ready
        self.environment = environment
        self.port = port
        self.process = Process(name)

    def start(self):
        """Starts it if it does not run, and waits until it is ready."""
        if not self.process.is_alive:
            if self.port and listens((IP, self.port)):
                raise Broken(f"{self.name} needs port {self.port}, which another program listens on (ss -lptn says which)")
            environment = os.environ if self.environment is None else self.environment
            clean = {key: value for key, value in environment.items()
                     if not key.startswith(("OS_CLOUD", "PYTHON", "VIRTUAL_ENV")) and not key.lower().endswith("_proxy")}
            self.process.start(self.argv, clean | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
        wait(f"{self.name} is ready", self.ready, LIMIT, self.process)

    def stop(self, patience=10):
        return self.process.stop(patience)


def launch(name, module, *options):
    """Debian's packages without init scripts have no programs either, only modules."""
    return ["/usr/bin/python3", f"{DRIVERS}/launch.py", name, module, *options]


def uwsgi(name, program, environment):
    return Service(
        name,
        ["uwsgi", "--plugin", "python3", "--http-socket", f"{IP}:{PORTS[name]}", "--wsgi-file", program, "--master",
         "--processes", "1", "--threads", "8", "--enable-threads", "--lazy-apps", "--die-on-term", "--need-app",
         "--buffer-size", "65535", "--add-header", "Connection: close", "--disable-logging"],
        lambda: answers(f"{URL[name]}/"), os.environ | environment, PORTS[name])


def daemon(name, config, queue, module):
    return Service(name, launch(name, module, "--config-file", f"{ETC}/{config}"), lambda: consumes(queue))


def l2_agent_reported():
    try:
        with open(f"{RUN}/l2-agent.reported") as file:
            return file.read() == str(SERVICES["l2-agent"].process.pid)
    except FileNotFoundError:
        return False


def api(name, module, config, service):
    return Service(
        name, launch(name, module, "--config-file", f"{ETC}/{config}"), lambda: answers(f"{URL[service]}/"),
        port=PORTS[service])


# In an order in which they may be started; they are stopped the other way round.
SERVICES = {service.name: service for service in (
    Service(
        "mysql",
        ["mariadbd", "--no-defaults", "--user=root", f"--datadir={DATA}/mysql", f"--socket={SOCKET}",
         "--skip-networking", f"--pid-file={RUN}/mysql.pid", "--max-connections=1000", "--character-set-server=utf8mb3",
         "--collation-server=utf8mb3_general_ci", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
         "--innodb-buffer-pool-size=256M", "--skip-log-bin"],
        lambda: listens(SOCKET)),
    Service(
        "epmd", ["epmd", "-port", str(PORTS["epmd"]), "-address", IP], lambda: listens((IP, PORTS["epmd"])),
        rabbitmq_environment(), PORTS["epmd"]),
    Service(
        "rabbitmq", ["/usr/lib/rabbitmq/bin/rabbitmq-server"], lambda: listens((IP, PORTS["rabbitmq"])),
        rabbitmq_environment(), PORTS["rabbitmq"]),
    uwsgi("keystone", "/usr/bin/keystone-wsgi-public",
          {"OS_KEYSTONE_CONFIG_DIR": f"{ETC}/keystone", "OS_KEYSTONE_CONFIG_FILES": "keystone.conf"}),
    uwsgi("placement", "/usr/bin/placement-api", {"OS_PLACEMENT_CONFIG_DIR": f"{ETC}/placement"}),
    api("glance-api", "glance.cmd.api", "glance-api.conf", "glance"),
    api("neutron-server", "neutron.cmd.eventlet.server", "neutron.conf", "neutron"),
    Service("l2-agent", ["/usr/bin/python3", f"{DRIVERS}/l2_agent.py", f"{ETC}/neutron.conf", f"{RUN}/l2-agent.reported"],
            l2_agent_reported),
    daemon("nova-conductor", "nova.conf", "conductor", "nova.cmd.conductor"),
    daemon("nova-scheduler", "nova.conf", "scheduler", "nova.cmd.scheduler"),
    api("nova-api", "nova.cmd.api", "nova.conf", "nova"),
    daemon("nova-compute", "nova-compute.conf", f"compute.{HOST}", "nova.cmd.compute"),
    daemon("cinder-scheduler", "cinder.conf", "cinder-scheduler", "cinder.cmd.scheduler"),
    daemon("cinder-volume", "cinder.conf", f"cinder-volume.{HOST}@fake", "cinder.cmd.volume"),
    api("cinder-api", "cinder.cmd.api", "cinder.conf", "cinder"),
)}


def named(names):
    unknown = [name for name in names if name not in SERVICES]
    if unknown:
        raise Broken(f"there is no service {', '.join(unknown)}; there are {' '.join(SERVICES)}")
    return [service for name, service in SERVICES.items() if name in names]
