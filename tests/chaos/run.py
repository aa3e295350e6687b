"""One seed: a crowd lives while the nemesis strikes; when all is quiet again the checker judges."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.world import World, documents_of, running_world
from tests.kafka_broker import own_kafka

from .checker import violations
from .crowd import GRACE, PATIENCE, Crowd
from .evidence import Evidence, gather
from .nemesis import Nemesis, Ways
from .proxy import Proxy

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


async def run(
    seed: int, seconds: float, people: int, folder: Path, faults: Sequence[str] = ()
) -> Verdict:
    """Raises TimeoutError where the world does not come to rest within five minutes; workers' logs
    are in the folder."""
    async with Proxy() as to_kafka, Proxy() as to_redis:
        kafka = f"127.0.0.1:{to_kafka.port}"
        with own_kafka({"advertised.listeners": f"PLAINTEXT://{kafka}"}) as broker:
            await to_kafka.open(int(broker.bootstrap.rpartition(":")[2]))
            redis = f"redis://127.0.0.1:{to_redis.port}/0"
            async with running_world(kafka, f"seed{seed}", folder, redis) as world:
                await to_redis.open(world.server.port)
                ways = Ways(broker, to_kafka, to_redis)
                nemesis = Nemesis(world, ways, random.Random(seed), faults)
                return await _life(seed, nemesis, Crowd(random.Random(seed), people), seconds)


async def _life(seed: int, nemesis: Nemesis, crowd: Crowd, seconds: float) -> Verdict:
    world = nemesis.world
    await world.open(documents_of(WORKSPACE), clock="wall")
    world.supervised = True
    supervisor = asyncio.create_task(nemesis.supervise())
    try:
        await _struggle(world, nemesis, crowd, seconds)
        seen = await _at_rest(world)
    finally:
        supervisor.cancel()
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
