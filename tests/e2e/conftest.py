"""What the end-to-end tests share: one real Kafka for the session, own topics for each test."""

import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import pytest
from redis.asyncio import Redis

from streams.settings import Settings
from tests.e2e.world import World
from tests.kafka_broker import KafkaBroker, NoKafka, own_kafka, running_kafka
from tests.redis_server import running_redis

_numbers = count(1)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The address of the session's broker. It may not be stopped: others use it."""
    with _skipped_without_kafka(), running_kafka() as bootstrap:
        yield bootstrap


@pytest.fixture
def mortal_kafka() -> Iterator[KafkaBroker]:
    """A broker of the test's own, to be stopped and killed."""
    with _skipped_without_kafka(), own_kafka() as broker:
        yield broker


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A prefix for topics and transactional ids that no other test, and no earlier run, has."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    return f"{name[:40].strip('-')}-{os.getpid()}-{next(_numbers)}"


@contextmanager
def _skipped_without_kafka() -> Iterator[None]:
    """Without Kafka the tests are skipped with one line; in CI they fail."""
    try:
        yield
    except NoKafka as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Kafka: {missing}")


@pytest.fixture
async def world(kafka: str, prefix: str, tmp_path: Path) -> AsyncIterator[World]:
    """A workspace of the test's own on the session's broker, with a Redis of its own."""
    async with _world(kafka, prefix, tmp_path) as made:
        yield made


@asynccontextmanager
async def _world(kafka: str, prefix: str, folder: Path) -> AsyncIterator[World]:
    with running_redis() as server:
        settings = Settings(
            prefix=prefix,
            identity_key="a key for tests only",
            kafka={"bootstrap": kafka, "session_timeout_ms": 6000},
            redis={"url": server.url},
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
