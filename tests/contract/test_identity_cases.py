"""Every conformance case of identity, on both stores, in every delivery."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from console.identity_cases import Case, load_cases
from console.identity_runs import in_memory, on_redis, run_case

FOLDER = Path(__file__).parents[1] / "identity"
CASES = [
    case for file in ("cases.yaml", "further_cases.yaml") for case in load_cases(FOLDER / file)
]
ALL = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@ALL
async def test_a_case_holds_in_memory_in_every_delivery(case: Case):
    assert await run_case(case, in_memory, 40) == []


@ALL
async def test_a_case_holds_on_redis_in_every_delivery(case: Case, redis: Redis):
    assert await run_case(case, on_redis(redis, "cases"), 8) == []

    assert await redis.dbsize() == 0, "the cases leave nothing behind"


def test_there_are_more_cases_than_those_everybody_knows():
    assert len(CASES) >= 72 + 15
    assert len({case.name for case in CASES}) == len(CASES)
