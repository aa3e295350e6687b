"""The ports between the agents and the stores, and what each may refuse."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from journeys.engine.effects import FOLD_VERSION, Effects, Shard
from journeys.engine.rounds import NOBODY, Visited
from journeys.identity.plan import Plan
from journeys.identity.records import Note
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


class Outgoing(Struct, frozen=True, gc=False):
    """A record to produce. `partition` None: by the hash of the key, which must be there then."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    partition: int | None = None
    timestamp: Millis | None = None


@dataclass(slots=True)
class Loaded:
    """A shard as stored at the offset asked for, and the profiles asked for that exist.

    `due` are the profiles a Tick may fire, in (due, id) order; `waiting` those at the gate,
    `visited` those a round comes to.
    """

    shard: Shard
    profiles: dict[ProfileId, bytes] = field(default_factory=dict)
    due: Sequence[tuple[Millis, ProfileId]] = ()
    waiting: Sequence[tuple[Millis, ProfileId]] = ()
    visited: Visited = NOBODY

    @property
    def woken(self) -> int:
        """How many people the Tick looks at."""
        return len(self.due) + len(self.waiting) + len(self.visited.people)


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
        """The earliest due moment, and whether somebody stands at the gate while it is open, or a
        round is under way."""

    async def commit(
        self, shard: int, topic_id: str, start: int, end: int, facts: Shard, effects: Effects
    ) -> None:
        """Moves the shard from offset `start` to `end`, all or nothing; raises Stale or Halt."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A note in identity's outbox, until it is in the inbox. `id` trims it.

    `by` names the source whose batch put it there; "": a repair, so that it is everybody's to tell.
    An id begins with the moment by Redis's clock at which it was put there.
    """

    id: str
    note: Note
    by: str = ""

    @property
    def since(self) -> Millis:
        return Millis(int(self.id.partition("-")[0]))


@dataclass(frozen=True, slots=True)
class IdentityRead:
    """What one look at identity found: the record of each token asked for, None for a new one.

    `gate` says which state was looked at; `commit` refuses another. `outbox` is all of it.
    """

    gate: bytes
    records: Mapping[str, bytes | None]
    outbox: Sequence[Waiting] = ()


class Identities(Protocol):
    """Whose identifiers are whose: records of identifiers, nodes of profiles, notes to tell of.

    It may be read and written only while it is *valid*: marked by the run of the server that
    holds it, which no restart, older backup or flush survives.
    """

    async def read(self, tokens: Sequence[str], *, repairing: bool = False) -> IdentityRead:
        """One round trip. Raises IdentityInvalid; `repairing`: only where no repair has begun."""

    async def nodes(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, bytes | None]:
        """One round trip; None for a profile that never was."""

    async def commit(self, gate: bytes, plan: Plan) -> Sequence[Waiting]:
        """All of the plan, or nothing and Conflict. Returns its notes as they wait; one trip."""

    async def trim(self, ids: Sequence[str]) -> None:
        """Takes notes out of the outbox that are in the inbox; twice is harmless."""

    async def beat(self, now: Millis) -> None:
        """Notes that identity was whole at `now`; a repair reads from there. Unless invalid."""

    async def begin_repair(self) -> "RepairWindow | None":
        """Opens it for repair; None where it is valid. Several may repair at once."""

    async def end_repair(self) -> None:
        """Marks it valid; raises IdentityInvalid if it was lost again meanwhile."""


@dataclass(frozen=True, slots=True)
class RepairWindow:
    """`beat`: when identity was last known to be whole, ms; None: read the inbox from its start."""

    beat: Millis | None


class Cursor(Struct, frozen=True):
    """`next` is the next position to publish, `last` the print of the last output before it.

    `last` is empty where there is none, or the cursor was set by hand. `mark` is the largest
    event time (ms) up to which an import said that all of this source is in, 0 if none did: it
    is kept here because that word is read only once.
    """

    next: int
    last: str = ""
    fold_version: int = FOLD_VERSION
    mark: int = 0


class Publisher(Protocol):
    """Publishes for one transactional id; `cursor` is as it was published last."""

    cursor: Cursor

    async def publish(self, records: Sequence[Outgoing], position: int, mark: int = 0) -> None:
        """All of `records` with a cursor at `position`, or nothing. A mark never falls.

        Raises Fenced; never leaves a maybe.
        """

    async def close(self) -> None: ...


class Publishers(Protocol):
    async def take_over(self, names: Sequence[str]) -> Mapping[str, Publisher]:
        """Fences the predecessors of all names, then reads their cursors.

        Raises Halt for a name without a cursor.
        """
