"""What the end-to-end tests share: one real Kafka for the session, own topics for each test."""

import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.e2e.world import World, running_world
from tests.kafka_broker import KafkaBroker, NoKafka, own_kafka, running_kafka

_numbers = count(1)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The address of the session's broker. It may not be stopped: others use it."""
    with skipped_without_kafka(), running_kafka() as bootstrap:
        yield bootstrap


@pytest.fixture
def mortal_kafka() -> Iterator[KafkaBroker]:
    """A broker of the test's own, to be stopped and killed."""
    with skipped_without_kafka(), own_kafka() as broker:
        yield broker


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A prefix for topics and transactional ids that no other test, and no earlier run, has."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    return f"{name[:40].strip('-')}-{os.getpid()}-{next(_numbers)}"


@contextmanager
def skipped_without_kafka() -> Iterator[None]:
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
    async with running_world(kafka, prefix, tmp_path) as made:
        yield made
