"""A computed trait that came later, filled from the inbox of a real cluster while workers run."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from console.cli.main import run
from journeys.engine.profile import decode
from streams.publishing import publish
from streams.settings import environment
from tests.e2e.shop import documents
from tests.e2e.world import SHARDS, World

pytestmark = [pytest.mark.kafka, pytest.mark.redis]

CATALOGUE = """
traits:
  orders: {count: order.paid}
  spent: {sum: event.amount, of: order.paid}
  twice: {formula: profile.traits.spent * 2, type: number}
"""


async def wayline(*arguments: str) -> int:
    return await asyncio.to_thread(run, list(arguments))


def paid(number: int, time: str, **more: str) -> dict[str, Any]:
    who = {"phone": f"+8613800138{number % 20:03}", **more}
    return {"type": "order.paid", "time": time, "identifiers": who, "properties": {"amount": 2}}


async def figures(world: World) -> dict[str, Counter[Any]]:
    """Trait -> its figure -> how many people have it."""
    found: dict[str, Counter[Any]] = {"orders": Counter(), "spent": Counter()}
    for shard in (await world.stored()).values():
        for value in shard.values():
            for id_, figure in decode(value).tallies.items():
                found[id_.partition("/")[0]][figure[0]] += 1
    return found


async def test_a_trait_that_came_later_is_filled_once_while_workers_run(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(world.settings).items():
        monkeypatch.setenv(name, value)
    await world.open(documents("event", "1h"))
    world.worker()
    for number in range(60):  # twenty people by phone, three times each; ten join by their cards
        card = {"member_card": f"C-{number % 10}"} if 20 <= number < 40 else {}
        await world.send(paid(number, f"2026-03-01T10:{number:02}:00Z", **card), number % 12)
    await world.pass_time("2026-03-01T11:00:00Z")
    await world.settled()
    early = await wayline("recompute", "orders")
    said = [capsys.readouterr().err]
    later = documents("event", "1h") | {"catalogue/shop.yaml": CATALOGUE}
    await publish(world.connection, world.topics, SHARDS, later)
    await world.send(paid(0, "2026-03-01T11:30:00Z"))
    await world.pass_time("2026-03-01T12:00:00Z")
    await world.settled()

    codes = [await wayline("recompute", "orders", "spent", "--json") for _ in range(2)]
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    formula = await wayline("recompute", "twice")
    said.append(capsys.readouterr().err)
    await world.settled()

    found = await figures(world)
    assert (early, codes, formula) == (1, [0, 0], 1)
    assert 'No computed trait "orders" is published' in said[0]
    assert "is a formula" in said[1]
    assert told[0]["whole"]
    assert told[0]["figures"] == told[1]["figures"]
    assert sum(n * count for n, count in found["orders"].items()) == 61
    assert sum(int(amount) * n for amount, n in found["spent"].items()) == 122
    assert await world.stored() == await world.refolded()
