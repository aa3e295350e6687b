"""The worker: everything made and joined in one place.

The two agents are a line each: what they do is in `stitch` and `cycle`.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import faust
import structlog
from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from journeys.identity.claims import Claims
from journeys.identity.tokens import token
from schemas import inbox
from schemas.inbox import InboxRecord
from schemas.touchpoint import Millis

from .assignments import Assignments
from .clock import RedisClock
from .cycle import FoldParts
from .feed.lanes import Lanes
from .feed.serving import new_app, serve
from .health import served
from .identities import RedisIdentities
from .kafka import KafkaConnection
from .library import Library
from .metrics import Metrics
from .ports import IdentityInvalid
from .progress import Progress, ProgressKeeper, Watermark
from .publisher import AtLeastOnce, ExactlyOnce, fence_all, stitch_name
from .reading import read_to_end
from .redis_client import redis_client
from .repair import repair
from .settings import Publishing, Settings
from .states import RedisStates
from .stitch import StitchParts
from .ticker import Ticker
from .weather import outlast
from .workplace import Workplace, find_workplace

PROGRESS_EVERY = 0.5
BEAT_EVERY = 1.0

log = structlog.get_logger()


async def run_worker(settings: Settings) -> None:
    """Stitches and folds until SIGTERM or SIGINT, then ends in order.

    Raises Halt or SettingsError, before anything is touched, where going on could lose or
    double something; later whatever made an owner fail.
    """
    connection = settings.connection
    _collect_seldom()
    async with _redis(settings) as redis, _producer(connection) as producer:
        library = Library(connection, settings.topics)
        place = await find_workplace(settings, connection, redis, library)
        worker = Worker(settings, connection, redis, producer, library, place)
        async with served(settings.metrics, worker.metrics.registry, worker.not_ready):
            await worker.run()


class Worker:
    """One process's share of the work, joined together from its parts."""

    def __init__(
        self,
        settings: Settings,
        connection: KafkaConnection,
        redis: Redis,
        producer: AIOKafkaProducer,
        library: Library,
        place: Workplace,
    ) -> None:
        self._settings, self._connection, self._place = settings, connection, place
        self.metrics, self._clock = Metrics(), RedisClock(redis)
        self._identities = RedisIdentities(redis, settings.keys)
        self._progress = Progress(redis, settings.keys)
        told = place.workspace.hold_time_at_most if place.workspace else 0
        silent_after = (told or settings.time.hold_at_most_ms) / 1000
        self._watermark = Watermark(self._progress, place.holding, silent_after)
        self._publishers = _publishers(settings, connection)
        self._repairing = asyncio.Lock()
        states = RedisStates(redis, settings.keys, place.shards)
        idle = settings.time.idle_tick_ms / 1000
        ticker = Ticker(producer, settings.topics, states, self._watermark, idle)
        assignments = Assignments(
            connection, self._stitch_parts(), self._fold_parts(states, library, ticker)
        )
        self._lanes = Lanes(assignments.take_over)

    async def run(self) -> None:
        """Until a signal or a failure, which is raised."""
        await outlast(self._repair, "repairing identity")
        duties = [
            _every(BEAT_EVERY, self._beat, "writing identity's beat"),
            _every(BEAT_EVERY, self._measure, "measuring"),
        ]
        if not self._place.event_clock:
            duties.append(self._keep_progress())
        try:
            async with _side_by_side(self._lanes, duties):
                await serve(self._app(), self._lanes)
        finally:
            await self._publishers.close()

    def not_ready(self) -> Sequence[str]:
        """Why this worker takes no part in the work yet."""
        return () if self._lanes.held() else ("no partitions are assigned yet",)

    def _app(self) -> faust.App:
        settings, lanes = self._settings, self._lanes
        session, name = settings.kafka.session_timeout_ms / 1000, settings.worker.name or None
        app = new_app(settings.group, self._connection, lanes, name, session)
        sources = dict.fromkeys(topic for topic, _ in self._place.sources)

        async def stitch(stream: Any) -> None:
            await lanes.run(stream)

        async def fold(stream: Any) -> None:
            await lanes.run(stream)

        app.agent(app.topic(*sources))(stitch)
        app.agent(app.topic(settings.topics.inbox))(fold)
        return app

    def _stitch_parts(self) -> StitchParts:
        place = self._place
        return StitchParts(
            identities=self._identities,
            claims=Claims(place.identity),
            config=place.identity,
            publishers=self._publishers,
            progress=self._progress,
            topics=self._settings.topics,
            shards=place.shards,
            mappings=place.mappings,
            late=place.workspace.late if place.workspace else {},
            contracts=dict(place.workspace.contracts) if place.workspace else {},
            event_clock=place.event_clock,
            clock=self._clock,
            repair=self._repair,
            metrics=self.metrics,
        )

    def _fold_parts(self, states: RedisStates, library: Library, ticker: Ticker) -> FoldParts:
        return FoldParts(
            states=states,
            publishers=self._publishers,
            library=library,
            topics=self._settings.topics,
            topic_id=self._place.topic_id,
            clock=self._clock,
            ticker=ticker,
            metrics=self.metrics,
            token_of=partial(token, key=self._place.identity.key),
        )

    async def _repair(self) -> None:
        """Mends identity from the inbox where it fell back, once for all lanes of this worker.

        What stitch had in hand anywhere is fenced first.
        """
        async with self._repairing:
            while True:
                try:
                    return await self._repair_once()
                except IdentityInvalid:
                    log.warning("identity was lost again while it was repaired, starting anew")

    async def _repair_once(self) -> None:
        connection, topics = self._connection, self._settings.topics
        names = [stitch_name(topics, *source) for source in self._place.sources]

        async def records(since: Millis | None) -> AsyncIterator[InboxRecord]:
            async for record in read_to_end(connection, [topics.inbox], since):
                yield inbox.decode(record.value)

        done = await repair(
            self._identities, self._place.identity, lambda: fence_all(connection, names), records
        )
        if done is not None:
            tell = log.warning if done.records else log.info  # a new workspace has nothing to mend
            tell(
                "identity was repaired from the inbox",
                records=done.records,
                united=done.united,
                told=done.told,
            )

    async def _beat(self) -> None:
        await self._identities.beat(await self._clock.exact())

    async def _measure(self) -> None:
        self.metrics.behind(self._lanes.behind())
        watermark = await self._watermark.read()
        age = max(0, await self._clock.now() - watermark) if watermark else 0
        self.metrics.watermark(age, len(self._watermark.silent()))

    async def _keep_progress(self) -> None:
        keeper = ProgressKeeper(self._connection, self._clock, self._progress, self._lanes.passed)
        await keeper.start()
        try:
            await _every(
                PROGRESS_EVERY, lambda: keeper.keep(self._owned_sources()), "noting progress"
            )
        finally:
            await keeper.stop()

    def _owned_sources(self) -> list[tuple[str, int]]:
        inbox_topic = self._settings.topics.inbox
        return [(tp.topic, tp.partition) for tp in self._lanes.held() if tp.topic != inbox_topic]


def _collect_seldom() -> None:
    """Most objects of a batch die young, and the compiled rest never does.

    With Python's defaults a third of decoding's time is spent looking for cycles (measured). More
    objects than the records fetched ahead come before one look: those are gone by then.
    """
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def _publishers(settings: Settings, connection: KafkaConnection) -> ExactlyOnce | AtLeastOnce:
    if settings.publishing is Publishing.EXACTLY_ONCE:
        timeout = settings.kafka.transaction_timeout_ms
        return ExactlyOnce(connection, settings.topics, timeout)
    return AtLeastOnce(connection, settings.topics)


@asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[Redis]:
    client = redis_client(settings.redis.url, settings.redis.timeout_ms)
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def _producer(connection: KafkaConnection) -> AsyncIterator[AIOKafkaProducer]:
    """For Ticks, which need no fence: one too many changes nothing."""
    producer = AIOKafkaProducer(**connection.client(), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _every(seconds: float, duty: Callable[[], Awaitable[None]], what: str) -> None:
    while True:
        await outlast(duty, what)
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _side_by_side(lanes: Lanes, duties: Sequence[Awaitable[None]]) -> AsyncIterator[None]:
    """Runs the duties while the block runs; one that fails ends the worker as an owner would."""

    async def done(duty: Awaitable[None]) -> None:
        try:
            await duty
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the worker
            lanes.fail(error)

    tasks = [asyncio.create_task(done(duty)) for duty in duties]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
