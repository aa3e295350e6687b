"""One seed: a crowd lives while the nemesis strikes; when all is quiet again the checker judges."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.world import World, documents_of, running_world
from tests.kafka_broker import own_kafka

from .checker import violations
from .crowd import GRACE, PATIENCE, Crowd
from .evidence import Evidence, gather
from .nemesis import Nemesis

WORKSPACE = Path(__file__).parent / "workspace"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one seed did and what was broken by it; `broken` is empty where all promises held."""

    seed: int
    faults: Counter[str]
    touchpoints: int
    actions: int
    merges: int
    broken: list[str]


async def run(seed: int, seconds: float, people: int, folder: Path) -> Verdict:
    """Raises TimeoutError where the world does not come to rest within five minutes."""
    dice = random.Random(seed)
    with own_kafka() as broker:
        async with running_world(broker.bootstrap, f"seed{seed}", folder) as world:
            await world.open(documents_of(WORKSPACE), clock="wall")
            nemesis = Nemesis(world, broker, random.Random(dice.random()))
            crowd = Crowd(random.Random(dice.random()), people)
            nemesis.begin()
            await _struggle(world, nemesis, crowd, seconds)
            seen = await _at_rest(world)
            broken = violations(crowd.sent, seen)
            if await world.stored() != await world.refolded():
                broken.append("Redis is not the fold of the inbox")
    counts = len(crowd.sent), len(seen.actions), len(seen.merges)
    return Verdict(seed, nemesis.done, *counts, broken)


async def _struggle(world: World, nemesis: Nemesis, crowd: Crowd, seconds: float) -> None:
    async with world.producer() as producer:
        life = asyncio.create_task(crowd.live(producer, world.topics.touchpoints, seconds))
        while not life.done():
            await nemesis.strike()
        await life


async def _at_rest(world: World) -> Evidence:
    """All is stitched, folded, and every timer has had its moment."""
    over = int(time.time() * 1000) + PATIENCE + GRACE
    await world.settled(within=300, until=over)
    connection = world.connection
    return await gather(connection.bootstrap, world.settings.prefix, world.redis)
