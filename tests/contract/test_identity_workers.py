"""The parallel conformance cases by workers that are really at work at once, on one Redis.

Each is a thread with a connection and an event loop of its own; all begin at a barrier. What
interleaves how is up to the machine, so a failure here may need several runs to show again:
`console.identity_runs.in_turn` finds most of them in an order that a seed repeats.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from threading import Barrier

import pytest
from redis.asyncio import Redis

from console.identity_cases import Case
from console.identity_runs import Calls, Job, run_case, until_done
from journeys.identity.config import IdentityConfig
from journeys.identity.known import Decision
from streams.identities import RedisIdentities
from streams.keys import Keys
from streams.ports import Identities
from streams.redis_client import redis_client
from tests.contract.stores import opened
from tests.contract.test_identity_cases import CASES
from tests.redis_server import RedisServer

PARALLEL = [case for case in CASES if case.parallel]
KEYS = Keys("at-once")


@pytest.mark.parametrize("case", PARALLEL, ids=[case.name for case in PARALLEL])
async def test_a_case_holds_whoever_is_faster_and_wherever_one_dies(
    case: Case, redis: Redis, redis_server: RedisServer
) -> None:
    @asynccontextmanager
    async def emptied() -> AsyncIterator[Identities]:
        await redis.flushall()
        yield await opened(RedisIdentities(redis, KEYS))

    async def at_once(
        _: Identities, jobs: Sequence[Job], config: IdentityConfig, dice: Random
    ) -> Sequence[Decision]:
        barrier = Barrier(len(jobs))
        workers = [asyncio.to_thread(_work, redis_server.url, job, config, barrier) for job in jobs]
        return await asyncio.gather(*workers)

    assert await run_case(case, emptied, 12, at_once) == []


def test_there_are_parallel_cases() -> None:
    assert len(PARALLEL) >= 13


def _work(url: str, job: Job, config: IdentityConfig, barrier: Barrier) -> Decision:
    async def work() -> Decision:
        async with redis_client(url, 5000) as redis:
            await redis.ping()
            barrier.wait(timeout=60)
            calls = Calls(RedisIdentities(redis, KEYS), _any_time, job.crash)
            return await until_done(calls, job, config)

    return asyncio.run(work())


async def _any_time() -> None:
    """Nobody waits for a turn."""
