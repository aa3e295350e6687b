"""The picture of the shards in Redis: load at an offset, commit from one offset to the next.

Nothing is written but by `lua/commit.lua`, which refuses a picture that is elsewhere. Every
profile stands in its shard's due index, so a shard's people can be enumerated in order.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import msgspec
from redis.asyncio import Redis

from journeys.engine.effects import Effects, Round, Shard
from journeys.engine.fold import tick_time
from journeys.engine.profile import decode
from journeys.engine.rounds import NOBODY, Visited
from journeys.engine.steering import may_pass
from schemas.inbox import Logged
from schemas.topics import shard_of
from schemas.touchpoint import Millis, ProfileId

from .keys import Keys
from .ports import Loaded, Stale
from .scripts import Script

FIRED_PER_TICK = 1000
COMMAND_PARTS = 4000
"""Lua unpacks some 8,000 values on its stack at most: longer commands are cut in several."""

_facts = msgspec.msgpack.Decoder(Shard)
_pack = msgspec.msgpack.Encoder().encode


class RedisStates:
    """States on one Redis or Valkey with hash-tagged keys; see `streams.ports.States`."""

    def __init__(self, redis: Redis, keys: Keys, shards: int) -> None:
        self._redis, self._keys, self._shards = redis, keys, shards
        self._commit, self._page = Script(redis, "commit"), Script(redis, "page")

    async def position(self, shard: int) -> tuple[int | None, str | None]:
        """The stored offset and inbox topic id; None where the shard was never stored."""
        stored: Any = await self._redis.hmget(self._keys.meta(shard), ["offset", "topic"])
        offset, topic = stored
        return (int(offset) if offset else None), (str(topic, "utf-8") if topic else None)

    async def facts(self, shard: int) -> Shard | None:
        """The facts of a shard as stored last; None where it was never stored."""
        stored: Any = await self._redis.hget(self._keys.meta(shard), "facts")
        return _facts.decode(stored) if stored else None

    async def redirects(self, profiles: Collection[ProfileId]) -> set[ProfileId]:
        """Those of the profiles that were merged into others, or erased."""
        names, found = list(profiles), set()
        for at in range(0, len(names), COMMAND_PARTS):
            page = names[at : at + COMMAND_PARTS]
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in page:
                    pipe.get(self._keys.profile(shard_of(name, self._shards), name))
                values = await pipe.execute()
            found |= {
                name
                for name, value in zip(page, values, strict=True)
                if value and decode(value).redirect
            }
        return found

    async def load(
        self, shard: int, offset: int, profiles: Iterable[ProfileId], tick: Logged | None
    ) -> Loaded:
        keys, wanted = self._keys, list(profiles)
        due: Sequence[tuple[Millis, ProfileId]] = ()
        waiting: Sequence[tuple[Millis, ProfileId]] = ()
        visited = NOBODY
        if tick is not None:
            due, waiting, visited = await self._fired(shard, offset, tick)
            called = chain(due, waiting, visited.people)
            wanted = list(dict.fromkeys(p for _, p in called) | dict.fromkeys(wanted))
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hmget(keys.meta(shard), ["offset", "facts"])
            if wanted:
                pipe.mget([keys.profile(shard, p) for p in wanted])
            meta, *values = await pipe.execute()
        picture = self._picture(shard, offset, meta)
        found = {p: v for p, v in zip(wanted, values[0], strict=True) if v} if wanted else {}
        return Loaded(picture, found, due, waiting, visited)

    async def earliest(self, shard: int) -> tuple[Millis | None, bool]:
        keys = self._keys
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zrange(keys.due(shard), 0, 0, withscores=True)
            pipe.zrange(keys.gate(shard), 0, 0, withscores=True)
            pipe.hget(keys.meta(shard), "facts")
            first, standing, facts = await pipe.execute()
        picture = _facts.decode(facts) if facts else None
        passes = picture is not None and (
            picture.round is not None or bool(standing and may_pass(picture, int(standing[0][1])))
        )
        return (Millis(int(first[0][1])) if first else None), passes

    async def commit(
        self, shard: int, topic_id: str, start: int, end: int, facts: Shard, effects: Effects
    ) -> None:
        await self._commit(
            keys={"meta": self._keys.meta(shard)},
            args={
                "topic": topic_id,
                "start": start,
                "stop": end,
                "facts": _pack(facts),
                "writes": list(self._writes(shard, effects)),
            },
        )

    async def _fired(
        self, shard: int, offset: int, tick: Logged
    ) -> tuple[list[tuple[Millis, ProfileId]], list[tuple[Millis, ProfileId]], Visited]:
        """Whom a Tick fires: those due by then, then those at an open gate, then those a round
        comes to, a Tick's worth.

        The bound follows from facts read in the same trip, so a Tick's worth is read and cut.
        """
        keys, last = self._keys, FIRED_PER_TICK - 1
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hmget(keys.meta(shard), ["offset", "facts"])
            pipe.zrange(keys.due(shard), 0, last, withscores=True)
            pipe.zrange(keys.gate(shard), 0, last, withscores=True)
            meta, due, standing = await pipe.execute()
        facts = self._picture(shard, offset, meta)
        until = tick_time(facts, tick)
        fired = [(at, profile) for at, profile in _entries(due) if at <= until]
        waiting = [(at, profile) for at, profile in _entries(standing) if may_pass(facts, at)]
        waiting = waiting[: FIRED_PER_TICK - len(fired)]
        left = FIRED_PER_TICK - len(fired) - len(waiting)
        return fired, waiting, await self._visited(shard, facts.round, left)

    async def _visited(self, shard: int, round_: Round | None, at_most: int) -> Visited:
        if round_ is None:
            return NOBODY
        found: Any = await self._page(
            keys={"due": self._keys.due(shard)},
            args={"score": round_.due, "member": round_.id, "count": at_most + 1},
        )
        pairs = [(found[at], found[at + 1]) for at in range(0, len(found), 2)]
        people = _entries([(member, float(score)) for member, score in pairs])
        return Visited(tuple(people[:at_most]), len(people) <= at_most)

    def _picture(self, shard: int, offset: int, meta: tuple[bytes | None, bytes | None]) -> Shard:
        """The facts in `meta`, if they are those at `offset`; raises Stale elsewhere (M29)."""
        if (found := int(meta[0] or 0)) != offset:
            raise Stale(f"expected offset {offset}, found {found}")
        return _facts.decode(meta[1]) if meta[1] else Shard(shard, self._shards)

    def _writes(self, shard: int, effects: Effects) -> Iterator[list[Any]]:
        keys = self._keys
        changed = effects.profiles.items()
        kept = [part for p, v in changed if v is not None for part in (keys.profile(shard, p), v)]
        gone = [keys.profile(shard, p) for p, v in changed if v is None]
        yield from _commands(["MSET"], kept)
        yield from _commands(["DEL"], gone)
        yield from _index(keys.due(shard), effects.due)
        yield from _index(keys.gate(shard), effects.gate)
        for (day, edge), count in effects.counts.items():
            yield ["HINCRBY", keys.counts(shard, day), edge, count]


def _entries(scored: list[tuple[bytes, float]]) -> list[tuple[Millis, ProfileId]]:
    return [(Millis(int(score)), ProfileId(member.decode())) for member, score in scored]


def _index(key: str, places: dict[ProfileId, Millis | None]) -> Iterator[list[Any]]:
    kept = [part for p, at in places.items() if at is not None for part in (at, p)]
    yield from _commands(["ZADD", key], kept)
    yield from _commands(["ZREM", key], [p for p, at in places.items() if at is None])


def _commands(head: list[Any], parts: list[Any]) -> Iterator[list[Any]]:
    rest = iter(parts)
    while chunk := list(islice(rest, COMMAND_PARTS)):
        yield [*head, *chunk]
