"""The ports between the agents and the stores, and what each may refuse."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from journeys.engine.effects import Effects, Shard
from schemas.inbox import Logged
from schemas.touchpoint import Millis, ProfileId


class Stale(Exception):
    """The store is at another offset than this fold began from: reload and fold again."""


class Fenced(Exception):
    """Another owner opened this transactional id, or the outcome is unknown: take over again."""


class Conflict(Exception):
    """What was read of identity no longer holds: read and decide again."""


class IdentityInvalid(Exception):
    """Identity fell back or was flushed: it must be repaired from the inbox first."""


class Halt(Exception):
    """Going on could lose or double something; the message tells the operator what to do."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to produce. `partition` None: by the hash of the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None
    timestamp: Millis | None = None


@dataclass(slots=True)
class Loaded:
    """A shard as stored at the offset asked for, and the profiles asked for that exist.

    `due` are the profiles a Tick may fire, in (due, id) order; `waiting` those at the gate.
    """

    shard: Shard
    profiles: dict[ProfileId, bytes] = field(default_factory=dict)
    due: Sequence[tuple[Millis, ProfileId]] = ()
    waiting: Sequence[tuple[Millis, ProfileId]] = ()


class States(Protocol):
    """The picture of the shards. One shard's keys share a slot; one call is one or two trips."""

    async def position(self, shard: int) -> tuple[int | None, str | None]:
        """The stored offset and inbox topic id; None where the shard was never stored."""

    async def load(
        self, shard: int, offset: int, profiles: Iterable[ProfileId], tick: Logged | None
    ) -> Loaded:
        """What is stored, if it is stored at `offset`; raises Stale elsewhere.

        `tick`: also whom this Tick fires, 1,000 at most, and their profiles.
        """

    async def earliest(self, shard: int) -> tuple[Millis | None, bool]:
        """The earliest due moment, and whether somebody stands at the gate while it is open."""

    async def commit(
        self, shard: int, topic_id: str, start: int, end: int, facts: Shard, effects: Effects
    ) -> None:
        """Moves the shard from offset `start` to `end`, all or nothing; raises Stale or Halt."""


class Publisher(Protocol):
    """Publishes for one transactional id, each time together with the new position."""

    async def publish(self, records: Sequence[Outgoing], cursor: int) -> None:
        """All of `records` and the cursor, or nothing. Raises Fenced; never leaves a maybe."""

    async def close(self) -> None: ...


class Publishers(Protocol):
    async def take_over(self, names: Sequence[str]) -> Mapping[str, tuple[Publisher, int]]:
        """Fences the predecessors of all names, then reads their cursors.

        Returns publisher and cursor (the next position to publish) by name. Raises Halt for a
        name without a cursor.
        """
