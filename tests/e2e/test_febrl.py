"""FEBRL 3 the whole way: topics, stitch, inbox, fold. As many people as there are, in any order.

Whom identity holds and whom the shards hold must be the same people, by the same identifiers.
"""

import asyncio
import signal
from collections.abc import Sequence
from random import Random
from typing import Any

import orjson
import pytest
import yaml

from journeys.identity.config import identity_config
from streams.reading import high_watermarks
from tests import febrl
from tests.e2e.people import identified, live, partition
from tests.e2e.visitors import documents
from tests.e2e.world import SHARDS, World, eventually

pytestmark = [pytest.mark.kafka, pytest.mark.redis]

Row = dict[str, str]
Placed = tuple[int, Row]
"""A row and the partition it is sent to."""


def as_in_the_file(rows: Sequence[Row]) -> list[Placed]:
    return [(0, row) for row in rows]


def shuffled_by_row(rows: Sequence[Row]) -> list[Placed]:
    """A person's rows lie in any partitions: nothing keeps them in one worker's hands."""
    some = list(rows)
    Random(3).shuffle(some)
    return [(n % SHARDS, row) for n, row in enumerate(some)]


def backwards_by_number(rows: Sequence[Row]) -> list[Placed]:
    """By what most of a person's rows share, so that other rows of hers lie elsewhere."""
    return [(sum(row["soc_sec_id"].encode()) % SHARDS, row) for row in reversed(rows)]


@pytest.mark.parametrize("order", [as_in_the_file, shuffled_by_row, backwards_by_number])
async def test_febrl_3_has_its_people_in_every_order_while_a_worker_dies(
    world: World, order: Any
) -> None:
    await world.open(documents(febrl.RULES), clock="wall")
    first, _ = world.worker(), world.worker()
    rows = febrl.rows()
    await _send(world, order(rows))

    await _inboxed(world, len(rows) // 3)
    first.send_signal(signal.SIGKILL)
    world.worker()
    await world.settled()

    expected = febrl.people(rows)
    said = {one for row in rows for one in row.items()}
    key = world.settings.secret_identity_key()
    config = identity_config(yaml.safe_load(febrl.RULES)["identity"], key)
    shown = await live(world)
    assert len(expected) == febrl.PEOPLE
    assert await partition(world, said, config) == expected
    assert {identified(profile) for profile in shown.values()} == expected
    assert len(shown) == febrl.PEOPLE
    assert sum(len(profile.seen) for profile in shown.values()) == len(rows)


async def _send(world: World, placed: Sequence[Placed]) -> None:
    async with world.producer() as producer:
        sent = [
            await producer.send(
                world.topics.touchpoints,
                orjson.dumps({"type": "page.seen", "identifiers": row}),
                partition=place,
            )
            for place, row in placed
        ]
        await asyncio.gather(*sent)


async def _inboxed(world: World, count: int) -> None:
    """Returns once there are so many records in the inbox."""

    async def there() -> bool:
        ends = await high_watermarks(world.connection, [world.topics.inbox])
        return sum(ends.values()) >= count

    await eventually(there)
