"""What a worker refuses to start on, each with the sentence that says what to do."""

from collections.abc import Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from journeys.engine.effects import FOLD_VERSION
from schemas.topics import Topics, TopicSpec

from .kafka import KafkaConnection
from .ports import Halt
from .topics_admin import differences, missing

log = structlog.get_logger()


async def guard_redis(redis: Redis) -> None:
    """Raises Halt for a Redis that may silently drop state; warns where a crash loses a second."""
    memory = await redis.info("memory")
    policy = memory.get("maxmemory_policy", "noeviction")
    if memory.get("maxmemory", 0) and policy != "noeviction":
        raise Halt(
            f"Redis may evict keys (maxmemory-policy {policy}), and people would be forgotten. "
            "Set `maxmemory-policy noeviction`."
        )
    if not (await redis.info("persistence")).get("aof_enabled"):
        raise Halt(
            "Redis keeps no append-only file, so a restart would forget everybody. "
            "Set `appendonly yes` (with `appendfsync everysec` or `always`)."
        )
    if await _fsync(redis) == "everysec":
        log.warning(
            "Redis may lose its last second in a crash (appendfsync everysec); "
            "it is folded again from the inbox"
        )


async def guard_identity_key(redis: Redis, key: str, fingerprint: str) -> None:
    """Raises Halt where identity was written under another key: nobody would be found again."""
    await redis.set(key, fingerprint, nx=True)
    if await redis.get(key) != fingerprint.encode():
        raise Halt(
            "Identity in this Redis was written with another WAYLINE_IDENTITY_KEY; with this one "
            "nobody would be found again. Set the key it was written with."
        )


async def guard_topics(
    connection: KafkaConnection, topics: Topics, specs: Sequence[TopicSpec]
) -> None:
    """Raises Halt with every topic that is missing or not as correctness asks."""
    _refuse(await differences(connection, topics, specs))


async def guard_there(connection: KafkaConnection, specs: Sequence[TopicSpec]) -> None:
    """Raises Halt with every topic that is missing: a client would wait for it, or make it."""
    _refuse(await missing(connection, specs))


def guard_position(
    shard: int, topic_id: str, stored: tuple[int | None, str | None], log_start: int, log_end: int
) -> int:
    """The offset a shard is folded from; raises Halt where the inbox no longer leads there."""
    offset, topic = stored
    if topic is not None and topic != topic_id:
        raise Halt(
            f"Shard {shard}: the inbox is not the topic Redis was folded from (its id changed). "
            "It was deleted and made again: restore the topic, or start with an empty Redis."
        )
    if (offset or 0) < log_start:
        raise Halt(
            f"Shard {shard}: Redis stands at inbox offset {offset or 0}, the inbox begins at "
            f"{log_start}. What lies between is gone: restore a younger backup of Redis."
        )
    if (offset or 0) > log_end:
        raise Halt(
            f"Shard {shard}: Redis stands at inbox offset {offset}, the inbox ends at {log_end}. "
            "Kafka lost acknowledged records: restore the topic before anything is folded."
        )
    return offset or 0


def guard_version(shard: int, offset: int, wanted: int) -> None:
    """Raises Halt where the shard is folded by rules that this release does not have."""
    if wanted > FOLD_VERSION:
        raise written_by_a_newer(
            shard, f"is folded by version {wanted} of the rules from inbox offset {offset} on"
        )


def written_by_a_newer(shard: int, what: str) -> Halt:
    """To go on would be to leave out what a newer worker does."""
    return Halt(
        f"Shard {shard} {what}: a newer Wayline wrote that, and this one has version "
        f"{FOLD_VERSION}. Nothing was folded past it; start the newer one here, too."
    )


def _refuse(found: Sequence[str]) -> None:
    if found:
        raise Halt("\n".join([*found, "Mend that, or run `wayline topics create <workspace>`."]))


async def _fsync(redis: Redis) -> str | None:
    try:
        return str((await redis.config_get("appendfsync")).get("appendfsync"))
    except ResponseError:  # a managed Redis or an ACL without CONFIG
        return None
