"""FEBRL 3, people with duplicates and mistakes: as many profiles as are connected, in any order.

The sample is every row of 120 of its people (tests/identity/febrl). The whole file is tried where
`FEBRL_3` names it; 2,128 is what pandas and a union of sets find in it.
"""

import asyncio
import csv
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from redis.asyncio import Redis

from journeys.identity.claims import Claim, Claims
from journeys.identity.config import identity_config
from schemas.touchpoint import Millis
from streams.identities import RedisIdentities, resolve
from streams.identities_memory import MemoryIdentities
from streams.keys import Keys
from streams.ports import Identities
from tests.contract.stores import InTheWay, components, opened, partition

SAMPLE = Path(__file__).parents[1] / "identity" / "febrl" / "sample.csv"
WHOLE = os.environ.get("FEBRL_3")
CONFIG = identity_config(
    {
        "max_identifiers": None,
        "max_merges": None,
        "namespaces": {
            "soc_sec_id": {"cls": "person", "rank": 1},
            "likeness": {"cls": "contact", "rank": 2},
        },
    }
)
CLAIMS = Claims(CONFIG)


def claims_of(path: Path) -> list[Claim]:
    """One per row: by the social security number, and by name, birthday and postcode."""
    found = []
    with path.open(encoding="utf-8") as file:
        for time, row in enumerate(csv.DictReader(file, skipinitialspace=True), start=1):
            likeness = [row[name].strip() for name in ("surname", "date_of_birth", "postcode")]
            identifiers = {"soc_sec_id": (row["soc_sec_id"].strip(),)}
            if all(likeness):
                identifiers["likeness"] = ("/".join(likeness),)
            found.append(CLAIMS.read(identifiers, Millis(time)))
    return found


async def stitched(identities: Identities, claims: Sequence[Claim], workers: int) -> None:
    """Rows dealt out to concurrent workers, in batches."""
    shared = InTheWay(identities)

    async def work(mine: Sequence[Claim]) -> None:
        for start in range(0, len(mine), 100):
            await resolve(shared, mine[start : start + 100], CONFIG)

    await asyncio.gather(*(work(claims[worker::workers]) for worker in range(workers)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("workers", [1, 4])
async def test_the_sample_has_its_people_in_any_order_and_any_partitioning(
    seed: int, workers: int, redis: Redis
):
    claims = claims_of(SAMPLE)
    Random(seed).shuffle(claims)
    for identities in (MemoryIdentities(), RedisIdentities(redis, Keys())):
        await opened(identities)

        await stitched(identities, claims, workers)

        found = await partition(identities, claims)
        assert found == components(claims)
        assert len(found) == 124


@pytest.mark.skipif(WHOLE is None, reason="FEBRL_3 names no file")
@pytest.mark.parametrize("workers", [1, 4])
async def test_febrl_3_has_2128_people(workers: int, redis: Redis):
    claims = claims_of(Path(WHOLE or ""))
    Random(workers).shuffle(claims)
    identities = await opened(RedisIdentities(redis, Keys()))

    await stitched(identities, claims, workers)

    assert len(await partition(identities, claims)) == 2128
