"""A whole Wayline for a test: real Kafka, real Redis, workers as processes that may be killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from redis.asyncio import Redis

from journeys.engine.effects import Effects, Shard
from journeys.engine.fold import fold, tick_time, wanted
from journeys.engine.parting import TokenOf
from journeys.engine.rounds import NOBODY, next_of
from journeys.engine.steering import may_pass
from journeys.identity.tokens import token
from schemas import inbox
from schemas.inbox import Logged, Tick
from schemas.intake import compile_mapping
from schemas.touchpoint import Millis, ProfileId
from streams.clock import RedisClock
from streams.imports import Destination, send_file
from streams.imports import Progress as Imported
from streams.library import Library
from streams.publishing import publish
from streams.reading import high_watermarks, read_to_end
from streams.settings import Settings, environment
from streams.states import FIRED_PER_TICK, RedisStates
from streams.topics_admin import create_workspace
from tests.redis_server import RedisServer, running_redis

ROOT = Path(__file__).parents[2]
SHARDS = 12


def documents_of(folder: Path) -> dict[str, str]:
    """The workspace in a folder: relative path -> text."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.yaml")}


async def eventually(true: Callable[[], Awaitable[bool]], within: float = 60.0) -> None:
    """Returns once it is true; other processes bring it about, so it has to be asked again."""
    async with asyncio.timeout(within):
        while not await true():  # noqa: ASYNC110 - no event reaches across processes
            await asyncio.sleep(0.2)


class World:
    """One workspace on the session's broker and a Redis of its own."""

    def __init__(self, settings: Settings, server: RedisServer, redis: Redis, logs: Path) -> None:
        self.settings, self.server, self.redis, self._logs = settings, server, redis, logs
        self.connection, self.topics = settings.connection, settings.topics
        self.states = RedisStates(redis, settings.keys, SHARDS)
        self._workers: list[subprocess.Popen[bytes]] = []
        self.supervised = False
        """Whether somebody starts workers again that ended."""

    async def open(
        self,
        documents: Mapping[str, str],
        clock: str = "event",
        channels: Sequence[str] = ("mail", "sms"),
    ) -> None:
        """Topics, first records and the documents published."""
        sources, specs = self.topics.sources(), self.topics.specs(channels)
        await create_workspace(self.connection, self.topics, specs, sources, clock)
        await self.publish(documents)

    async def publish(self, documents: Mapping[str, str]) -> None:
        """Puts the documents in force."""
        await publish(self.connection, self.topics, SHARDS, documents)

    def worker(self) -> "subprocess.Popen[bytes]":
        """Starts a worker; its log is in the test's folder."""
        log = (self._logs / f"worker-{len(self._workers)}.log").open("wb")
        others = {name: v for name, v in os.environ.items() if not name.startswith("WAYLINE_")}
        environ = {**others, **environment(self.settings)}  # it refuses names it does not know
        command = [sys.executable, "-m", "console.cli.main", "worker"]
        with log:
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=ROOT)
        self._workers.append(process)
        return process

    async def import_file(self, path: Path, source: str, documents: Mapping[str, str]) -> Imported:
        """Imports a file by the mapping of that name in wayline.yaml."""
        import yaml

        entry = yaml.safe_load(documents["wayline.yaml"])["sources"][source]
        places = await high_watermarks(self.connection, self.topics.sources())
        partitions = Counter(tp.topic for tp in places)
        async with self.producer() as producer:
            into = Destination(producer, self.topics, partitions, event_clock=True)
            now = await RedisClock(self.redis).exact()
            return await send_file(path, compile_mapping(source, entry), into, now)

    async def send(self, touchpoint: Mapping[str, Any], partition: int = 0) -> None:
        """One touchpoint, or any other JSON, to a partition of the touchpoint topic."""
        await self.send_raw(orjson.dumps(touchpoint), partition)

    async def send_raw(self, value: bytes | None, partition: int = 0, **more: Any) -> None:
        async with self.producer() as producer:
            topic = self.topics.touchpoints
            await producer.send_and_wait(topic, value, partition=partition, **more)

    async def pass_time(self, upto: str) -> None:
        """With the event clock: says to every source that all is in up to then."""
        word = {"type": "source.watermark", "properties": {"source": "test", "upto": upto}}
        places = await high_watermarks(self.connection, self.topics.sources())
        async with self.producer() as producer:
            for tp in places:
                await producer.send_and_wait(tp.topic, orjson.dumps(word), partition=tp.partition)

    async def settled(self, within: float = 120.0, until: int | None = None) -> None:
        """Returns when every source is stitched, every shard folded to its end, and nothing due.

        `until` (ms): and every shard's time has reached it.
        """

        async def settled() -> bool:
            self._die_with_workers()
            return await self._is_settled(until)

        await eventually(settled, within)

    async def values(self, *names: str) -> list[dict[str, Any]]:
        """All committed JSON values of these topics (named without the prefix)."""
        topics = [self.topics.named(name) for name in names]
        return [orjson.loads(r.value) async for r in read_to_end(self.connection, topics)]

    async def refolded(self) -> dict[str, dict[str, bytes]]:
        """Per shard what a fresh fold of the whole inbox gives: profile -> bytes."""
        library = Library(self.connection, self.topics)
        await library.latest()
        logs: dict[int, list[Logged]] = {shard: [] for shard in range(SHARDS)}
        async for record in read_to_end(self.connection, [self.topics.inbox]):
            logged = Logged(record.offset, Millis(record.timestamp), inbox.decode(record.value))
            logs[record.partition].append(logged)
        named = partial(token, key=self.settings.secret_identity_key())
        return {f"s{shard:02}": _folded(shard, log, library, named) for shard, log in logs.items()}

    async def stored(self) -> dict[str, dict[str, bytes]]:
        """Per shard what Redis holds: profile -> bytes."""
        found: dict[str, dict[str, bytes]] = {f"s{shard:02}": {} for shard in range(SHARDS)}
        pattern = self.settings.keys.profile(0, "*").replace("{s00}", "{s??}")
        async for key in self.redis.scan_iter(pattern.replace("[", "\\["), count=1000):
            shard, _, profile = key.decode().partition("}:p:")
            found[shard[-3:]][profile] = await self.redis.get(key)
        return found

    @asynccontextmanager
    async def producer(self) -> AsyncIterator[AIOKafkaProducer]:
        made = AIOKafkaProducer(**self.connection.client(), enable_idempotence=True)
        await made.start()
        try:
            yield made
        finally:
            await made.stop()

    def log(self) -> str:
        return "\n".join(p.read_text() for p in sorted(self._logs.glob("worker-*.log")))

    def end(self) -> None:
        for process in self._workers:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._workers:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()

    def _die_with_workers(self) -> None:
        running = [p for p in self._workers if p.poll() is None]
        if self._workers and not running and not self.supervised:
            raise AssertionError(f"no worker is left:\n{self.log()[-4000:]}")

    async def _is_read(self, tp: TopicPartition, offset: int, end: int) -> bool:
        """A transaction's marker follows its last record, and several may stand behind each other:
        nothing is read behind these."""
        if offset >= end - 1 or offset < end - 10:
            return offset >= end - 1
        options = {"isolation_level": "read_committed", "enable_auto_commit": False}
        consumer = AIOKafkaConsumer(**self.connection.client(), **options)
        await consumer.start()
        try:
            consumer.assign([tp])
            consumer.seek(tp, offset)
            found = await consumer.getmany(tp, timeout_ms=500)
            return not found and await consumer.position(tp) >= end
        finally:
            await consumer.stop()

    async def _is_settled(self, until: int | None) -> bool:
        from streams.cursors import read_cursors, stitch_name

        cursors = await read_cursors(self.connection, self.topics)
        for tp, end in (await high_watermarks(self.connection, self.topics.sources())).items():
            if cursors[stitch_name(self.topics, *tp)].next < end:
                return False
        for tp, end in (await high_watermarks(self.connection, [self.topics.inbox])).items():
            offset, _ = await self.states.position(tp.partition)
            facts = await self.states.facts(tp.partition)
            due, standing = await self.states.earliest(tp.partition)
            if facts is None or standing or not await self._is_read(tp, offset or 0, end):
                return False
            if until is not None and facts.time < until:
                return False
            if due is not None and due <= facts.time:
                return False
        return True


@asynccontextmanager
async def running_world(
    kafka: str, prefix: str, folder: Path, redis_url: str | None = None
) -> AsyncIterator[World]:
    """A workspace on this broker, with a Redis of its own; workers' logs go to the folder.

    `redis_url` is another way to that Redis, for workers.
    """
    with running_redis() as server:
        settings = Settings(
            prefix=prefix,
            identity_key="a key for tests only",
            kafka={"bootstrap": kafka, "session_timeout_ms": 6000},
            redis={"url": redis_url or server.url},
            metrics={"port": 0},
            time={"idle_tick_ms": 1000},
            log={"format": "json"},
        )
        redis = Redis.from_url(server.url)
        made = World(settings, server, redis, folder)
        try:
            yield made
        finally:
            made.end()
            await redis.aclose()


def _folded(
    shard: int, log: Iterable[Logged], library: Library, token_of: TokenOf
) -> dict[str, bytes]:
    """The profiles of one shard after its whole log, a record at a time, in plain memory."""
    facts, profiles, due = Shard(shard, SHARDS), {}, {}
    gate: dict[ProfileId, Millis] = {}
    for logged in log:
        fired: list[tuple[Millis, ProfileId]] = []
        waiting: list[tuple[Millis, ProfileId]] = []
        visited = NOBODY
        if isinstance(logged.record, Tick):
            until = tick_time(facts, logged)
            fired = sorted((at, p) for p, at in due.items() if at <= until)[:FIRED_PER_TICK]
            standing = sorted((at, p) for p, at in gate.items() if may_pass(facts, at))
            waiting = standing[: FIRED_PER_TICK - len(fired)]
            visited = next_of(facts, due, FIRED_PER_TICK - len(fired) - len(waiting))
        called = (*fired, *waiting, *visited.people)
        loaded = {p: profiles[p] for _, p in called if p in profiles}
        loaded |= {p: profiles[p] for p in wanted([logged]) if p in profiles}
        effects = fold(facts, [logged], loaded, library.release, fired, waiting, visited, token_of)
        _apply(effects, profiles, due, gate)
    return {str(p): value for p, value in profiles.items()}


def _apply(
    effects: Effects,
    profiles: dict[ProfileId, bytes],
    due: dict[ProfileId, Millis],
    gate: dict[ProfileId, Millis],
) -> None:
    for held, changed in ((profiles, effects.profiles), (due, effects.due), (gate, effects.gate)):
        for profile, value in changed.items():
            if value is None:
                held.pop(profile, None)
            else:
                held[profile] = value
