"""FEBRL 3, people with duplicates and mistakes: as many profiles as are connected, in any order."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
import yaml
from redis.asyncio import Redis

from journeys.identity.claims import Claim, Claims
from journeys.identity.config import identity_config
from schemas.touchpoint import Millis
from streams.identities import RedisIdentities, resolve
from streams.identities_memory import MemoryIdentities
from streams.keys import Keys
from streams.ports import Identities
from tests import febrl
from tests.contract.stores import InTheWay, components, opened, partition

CONFIG = identity_config(yaml.safe_load(febrl.RULES)["identity"])
CLAIMS = Claims(CONFIG)


def claims_in_order(seed: int) -> list[Claim]:
    claims = [
        CLAIMS.read({name: (value,) for name, value in row.items()}, Millis(time))
        for time, row in enumerate(febrl.rows(), start=1)
    ]
    Random(seed).shuffle(claims)
    return claims


async def stitched(identities: Identities, claims: Sequence[Claim], workers: int) -> None:
    """Rows dealt out to concurrent workers, in batches."""
    shared = InTheWay(identities)

    async def work(mine: Sequence[Claim]) -> None:
        for start in range(0, len(mine), 100):
            await resolve(shared, mine[start : start + 100], CONFIG)

    await asyncio.gather(*(work(claims[worker::workers]) for worker in range(workers)))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("workers", [1, 4])
async def test_febrl_3_has_its_people_in_any_order_and_any_partitioning(
    seed: int, workers: int, redis: Redis
):
    claims = claims_in_order(seed)
    for identities in (MemoryIdentities(), RedisIdentities(redis, Keys())):
        await opened(identities)

        await stitched(identities, claims, workers)

        found = await partition(identities, claims)
        assert found == components(claims)
        assert len(found) == febrl.PEOPLE
