"""The two stores of identity under one contract, and stores that misbehave on purpose."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol

from redis.asyncio import Redis

from journeys.identity.claims import Claim, Claims
from journeys.identity.config import IdentityConfig, identity_config
from journeys.identity.known import Decision
from journeys.identity.operations import Operation
from journeys.identity.plan import Plan
from journeys.identity.records import Merge, decode_node, owner_of
from schemas.inbox import Arrived, InboxRecord, Merged
from schemas.touchpoint import Millis, ProfileId, Touchpoint
from streams.identities import RedisIdentities, resolve
from streams.identities_memory import MemoryIdentities
from streams.keys import Keys
from streams.ports import Identities, IdentityRead, RepairWindow, Waiting
from tests.redis_server import RedisServer

CONFIG = identity_config(
    {"max_identifiers": None, "max_merges": None, "namespaces": {"cookie": {"limit": None}}}
)
"""Without the limits that would keep apart what is connected."""
CLAIMS = Claims(CONFIG)


class Store(Protocol):
    """Something that holds identity, and can lose it."""

    identities: Identities

    async def flush(self) -> None: ...
    async def restart(self) -> None: ...
    async def copy(self) -> Any: ...
    async def fall_back(self, to: Any) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.identities = MemoryIdentities()

    async def flush(self) -> None:
        self.identities.flush()

    async def restart(self) -> None:
        self.identities.restart()

    async def copy(self) -> Any:
        return deepcopy(vars(self.identities))

    async def fall_back(self, to: Any) -> None:
        vars(self.identities).update(deepcopy(to))
        self.identities.restart()


class OnRedis:
    def __init__(self, redis: Redis, server: RedisServer) -> None:
        self.redis, self.server = redis, server
        self.identities = RedisIdentities(redis, Keys("acme"))

    async def flush(self) -> None:
        await self.redis.flushall()

    async def restart(self) -> None:
        self.server.stop()
        self.server.start()
        await self.redis.connection_pool.disconnect()

    async def copy(self) -> Any:
        return {key: await self.redis.dump(key) for key in await self.redis.keys("*")}

    async def fall_back(self, to: Any) -> None:
        await self.redis.flushall()
        for key, value in to.items():
            await self.redis.restore(key, 0, value)
        await self.restart()


async def opened(identities: Identities) -> Identities:
    """As after the repair from an empty inbox: new, and valid."""
    await identities.begin_repair()
    await identities.end_repair()
    return identities


class InTheWay:
    """Lets all others act before each call, so that batches interleave in memory, too."""

    def __init__(self, identities: Identities) -> None:
        self._inner = identities

    async def read(self, tokens: Sequence[str], *, repairing: bool = False) -> IdentityRead:
        await asyncio.sleep(0)
        return await self._inner.read(tokens, repairing=repairing)

    async def nodes(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, bytes | None]:
        await asyncio.sleep(0)
        return await self._inner.nodes(profiles)

    async def commit(self, gate: bytes, plan: Plan) -> Sequence[Waiting]:
        await asyncio.sleep(0)
        return await self._inner.commit(gate, plan)

    async def trim(self, ids: Sequence[str]) -> None:
        await self._inner.trim(ids)

    async def beat(self, now: Millis) -> None:
        await self._inner.beat(now)

    async def begin_repair(self) -> RepairWindow | None:
        return await self._inner.begin_repair()

    async def end_repair(self) -> None:
        await self._inner.end_repair()


class Crash(Exception):
    pass


class Crashing(InTheWay):
    """Ends the worker before or after a call, as a kill would."""

    def __init__(self, identities: Identities, call: str, *, after: bool) -> None:
        super().__init__(identities)
        self._call, self._after = call, after

    async def read(self, tokens: Sequence[str], *, repairing: bool = False) -> IdentityRead:
        return await self._around("read", super().read(tokens, repairing=repairing))

    async def nodes(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, bytes | None]:
        return await self._around("nodes", super().nodes(profiles))

    async def commit(self, gate: bytes, plan: Plan) -> Sequence[Waiting]:
        return await self._around("commit", super().commit(gate, plan))

    async def _around(self, call: str, work: Any) -> Any:
        if call == self._call and not self._after:
            work.close()
            raise Crash(call)
        result = await work
        if call == self._call:
            raise Crash(call)
        return result


def claim(time: int = 1, **identifiers: str) -> Claim:
    """`claim(5, phone="13800000001", cookie="a")`."""
    return CLAIMS.read({name: (value,) for name, value in identifiers.items()}, Millis(time))


def cookies(edge: Iterable[object], time: int = 1) -> Claim:
    """A claim on several cookies, one per vertex."""
    return CLAIMS.read({"cookie": tuple(f"v{vertex}" for vertex in edge)}, Millis(time))


async def partition(identities: Identities, claims: Iterable[Claim]) -> set[frozenset[str]]:
    """The profiles, each as the set of its tokens; every record must name a live one."""
    tokens = sorted({token for one in claims for token in one.tokens})
    found: dict[ProfileId, set[str]] = {}
    for token, record in (await identities.read(tokens)).records.items():
        assert record is not None, f"{token} is nobody's"
        found.setdefault(owner_of(record), set()).add(token)
    for profile, raw in (await identities.nodes(list(found))).items():
        assert raw is not None
        node = decode_node(raw)
        assert node.to is None, f"{profile} is dead, and has identifiers"
        assert found[profile] <= node.identifiers.keys()
    return {frozenset(tokens) for tokens in found.values()}


def components(claims: Iterable[Claim]) -> set[frozenset[str]]:
    """The yardstick: what is connected, found by joining sets."""
    parts: list[set[str]] = []
    for one in claims:
        joined = set(one.tokens)
        for part in [part for part in parts if part & joined]:
            parts.remove(part)
            joined |= part
        parts.append(joined)
    return {frozenset(part) for part in parts if part}


class Log:
    """An inbox: what stitch would have published of each batch."""

    def __init__(self) -> None:
        self.records: list[InboxRecord] = []
        self.since: list[Millis | None] = []

    async def stitch(
        self,
        identities: Identities,
        claims: Sequence[Claim | Operation],
        config: IdentityConfig = CONFIG,
    ) -> list[Decision]:
        """A batch tells of no more than it must; an empty one, of a source at rest, of all."""
        resolved = await resolve(identities, claims, config)
        notes = resolved.outbox if claims else resolved.rest
        for waiting in notes:
            note = waiting.note
            merged = isinstance(note, Merge)
            self.records.append(Merged(note.loser, note.survivor) if merged else note)
        for one, decision in zip(claims, resolved.decisions, strict=True):
            if isinstance(one, Claim) and decision.profile is not None:
                touchpoint = Touchpoint("t", "seen", one.time, one.time, "app")
                self.records.append(
                    Arrived(decision.profile, touchpoint, decision.links, ("touchpoints", 0, 0))
                )
        await identities.trim([waiting.id for waiting in notes])
        return list(resolved.decisions)

    async def read(self, since: Millis | None) -> AsyncIterator[InboxRecord]:
        self.since.append(since)
        for record in list(self.records):
            yield record


async def no_fence() -> None:
    """There is no other stitch."""
