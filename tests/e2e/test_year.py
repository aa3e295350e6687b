"""A year of a real shop through real Kafka and Redis, whatever happens to the workers."""

import asyncio
import random
import signal
from collections import Counter

import pytest

from streams.imports import Progress as Imported
from tests.e2e.world import ROOT, World, documents_of

RETAIL = ROOT / "examples" / "online-retail"
EXPECTED = {"win-back-30": 8558, "win-back-60": 4928, "win-back-90": 3219}
LAST_PURCHASE = 1_323_435_000_000
"""2011-12-09T12:50:00Z, ms."""

pytestmark = [pytest.mark.kafka, pytest.mark.redis]


async def _import(world: World) -> Imported:
    documents = documents_of(RETAIL)
    return await world.import_file(RETAIL / "purchases.csv.gz", "invoices", documents)


async def _assert_whole(world: World) -> None:
    actions = await world.values("actions.mail")
    ids = [action["action_id"] for action in actions]
    assert Counter(action["map"] for action in actions) == EXPECTED
    assert len(set(ids)) == len(ids)
    assert await world.stored() == await world.refolded()


async def test_a_year_gives_the_figures_computed_without_an_engine(world: World) -> None:
    await world.open(documents_of(RETAIL))
    world.worker()

    imported = await _import(world)
    await world.settled(until=LAST_PURCHASE)

    assert (imported.sent, imported.refused) == (18_536, 0)
    await _assert_whole(world)


async def test_a_year_is_the_same_with_workers_killed_joining_and_leaving(world: World) -> None:
    await world.open(documents_of(RETAIL))
    dice = random.Random(20111209)
    worker = world.worker()
    importing = asyncio.create_task(_import(world))

    for _ in range(3):
        await asyncio.sleep(dice.uniform(2.0, 6.0))
        worker.send_signal(signal.SIGKILL)
        worker = world.worker()
    guest = world.worker()
    await asyncio.sleep(8)
    guest.send_signal(signal.SIGTERM)
    await importing
    await world.settled(until=LAST_PURCHASE)

    await _assert_whole(world)


async def test_a_year_is_the_same_with_redis_flushed_in_the_middle(world: World) -> None:
    await world.open(documents_of(RETAIL))
    world.worker()
    importing = asyncio.create_task(_import(world))

    await asyncio.sleep(6)
    await world.redis.flushall()
    await importing
    await world.settled(until=LAST_PURCHASE)

    await _assert_whole(world)
