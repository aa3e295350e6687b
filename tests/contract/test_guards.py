"""What a worker refuses to start on, each time with what to do."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from streams.guards import guard_identity_key, guard_position, guard_redis
from streams.ports import Halt


@pytest.fixture
async def bendable(redis: Redis) -> AsyncIterator[Redis]:
    """The session's Redis; its settings are put back."""
    names = ("maxmemory", "maxmemory-policy", "appendonly")
    before = {name: (await redis.config_get(name))[name] for name in names}
    yield redis
    for name, value in before.items():
        await redis.config_set(name, value)


async def test_a_redis_that_keeps_everything_is_taken(redis: Redis) -> None:
    await guard_redis(redis)


async def test_a_redis_that_may_evict_is_refused(bendable: Redis) -> None:
    await bendable.config_set("maxmemory", "1gb")
    await bendable.config_set("maxmemory-policy", "allkeys-lru")

    with pytest.raises(Halt, match="maxmemory-policy noeviction"):
        await guard_redis(bendable)


async def test_a_redis_without_an_append_only_file_is_refused(bendable: Redis) -> None:
    await bendable.config_set("appendonly", "no")

    with pytest.raises(Halt, match="appendonly yes"):
        await guard_redis(bendable)


async def test_another_identity_key_is_refused(redis: Redis) -> None:
    await guard_identity_key(redis, "id:key", "the first key's print")
    await guard_identity_key(redis, "id:key", "the first key's print")

    with pytest.raises(Halt, match="WAYLINE_IDENTITY_KEY"):
        await guard_identity_key(redis, "id:key", "another key's print")


def test_a_shard_goes_on_where_it_is_stored() -> None:
    assert guard_position(3, "id", (None, None), 0, 10) == 0
    assert guard_position(3, "id", (7, "id"), 5, 10) == 7


@pytest.mark.parametrize(
    ("stored", "start", "end", "words"),
    [
        ((7, "another id"), 0, 10, "deleted and made again"),
        ((7, "id"), 8, 10, "the inbox begins at 8"),
        ((None, None), 1, 10, "the inbox begins at 1"),
        ((11, "id"), 0, 10, "Kafka lost acknowledged records"),
    ],
)
def test_a_shard_halts_where_the_inbox_does_not_lead_on(
    stored: tuple[int | None, str | None], start: int, end: int, words: str
) -> None:
    with pytest.raises(Halt, match=words):
        guard_position(3, "id", stored, start, end)
