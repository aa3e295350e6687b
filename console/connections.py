"""Which Kafka and Redis a command talks to: its options, the environment, a running `dev`."""

import logging
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from redis.asyncio import Redis

from console.instances import running_variables
from console.refusals import CannotRun
from streams.redis_client import redis_client
from streams.settings import Settings, load_settings


def settings_for(
    kafka: str | None = None, redis: str | None = None, prefix: str | None = None
) -> Settings:
    """The settings of a command; options go before the environment.

    Where neither names a broker, a running development instance is used, and that is said.
    """
    # What a client library has to say of a broker that is away, the command says in one sentence.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if kafka is None and "WAYLINE_KAFKA__BOOTSTRAP" not in os.environ:
        _take_the_development_instance()
    given: dict[str, object] = {}
    if kafka is not None:
        given["kafka"] = {"bootstrap": kafka}
    if redis is not None:
        given["redis"] = {"url": redis}
    if prefix is not None:
        given["prefix"] = prefix
    return load_settings(**given)


@asynccontextmanager
async def redis_of(settings: Settings) -> AsyncIterator[Redis]:
    """A client for the block; raises redis's ConnectionError at once where there is none."""
    client = redis_client(settings.redis.url, settings.redis.timeout_ms)
    try:
        await client.ping()
        yield client
    finally:
        await client.aclose()


async def topics_there(settings: Settings) -> set[str]:
    """The names of all topics of the cluster; raises CannotRun where it cannot be reached."""
    consumer = AIOKafkaConsumer(**settings.connection.client(), enable_auto_commit=False)
    try:
        await consumer.start()
        return set(await consumer.topics())
    except KafkaError as error:
        raise CannotRun(
            f"Kafka cannot be reached at {settings.kafka.bootstrap} ({type(error).__name__}). "
            "Name a broker with --kafka or WAYLINE_KAFKA__BOOTSTRAP, or run `wayline dev`."
        ) from None
    finally:
        await consumer.stop()


async def require_topics(settings: Settings, names: Iterable[str]) -> None:
    """Raises CannotRun with the missing names; a client would make them or wait for ever."""
    there = await topics_there(settings)
    missing = [name for name in names if name not in there]
    if missing:
        raise CannotRun(
            f"Missing at {settings.kafka.bootstrap}: {', '.join(missing)}. "
            "Run `wayline topics create <workspace>`."
        )


async def shards_of(settings: Settings) -> int:
    """The number of shards, which is that of the inbox's partitions."""
    await require_topics(settings, [settings.topics.inbox])
    consumer = AIOKafkaConsumer(
        settings.topics.inbox, **settings.connection.client(), enable_auto_commit=False
    )
    await consumer.start()
    try:
        return len(consumer.assignment())
    finally:
        await consumer.stop()


def _take_the_development_instance() -> None:
    variables = running_variables()
    if not variables:
        return
    for name, value in variables.items():
        os.environ.setdefault(name, value)
    broker = variables["WAYLINE_KAFKA__BOOTSTRAP"]
    print(f"using the development instance at {broker}", file=sys.stderr)
