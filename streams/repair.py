"""Repair of identity from the inbox, after its Redis fell back or was emptied (protocol.md).

Whoever notices does it. Several at once are harmless, so is one that was cut off in the middle:
all that is asserted here holds already, or is true.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from journeys.identity.config import IdentityConfig
from journeys.identity.mending import (
    assert_arrived,
    assert_merged,
    assert_operated,
    reconcile,
)
from journeys.identity.overlay import Overlay
from journeys.identity.plan import Unread
from journeys.identity.records import Merge, decode_node, holder_of
from schemas.inbox import Arrived, InboxRecord, Merged, Operated
from schemas.touchpoint import Millis, ProfileId
from streams.ports import Conflict, Identities

MARGIN_MS = 60_000
"""How far the clocks of Redis and the brokers may be apart."""

CHUNK = 1000

Identifying = Arrived | Merged | Operated
"""The records that say who is who."""

Inbox = Callable[[Millis | None], AsyncIterator[InboxRecord]]
Result = TypeVar("Result")
Apart = tuple[tuple[ProfileId, ...], tuple[str, ...]]
"""Profiles and tokens that are one person's."""


@dataclass(slots=True)
class Repaired:
    """What a repair read and did. `united` are merges it decided, `told` those it had to add."""

    records: int = 0
    united: int = 0
    told: int = 0


@dataclass(slots=True)
class _Gathered:
    """What has to wait until all shards are read. `dead` and `apart` lead to a time, ms."""

    merged: set[ProfileId] = field(default_factory=set)
    dead: dict[ProfileId, Millis] = field(default_factory=dict)
    apart: dict[Apart, Millis] = field(default_factory=dict)


async def repair(
    identities: Identities,
    config: IdentityConfig,
    fence_all: Callable[[], Awaitable[None]],
    inbox: Inbox,
) -> Repaired | None:
    """Makes identity hold all that the inbox says, and marks it valid; None where it is.

    `fence_all` opens every transactional id of stitch. `inbox(since)` reads all shards, committed
    records only, from that broker's time (None: the start) to the high watermark as it is when
    called. Raises IdentityInvalid where identity is lost again meanwhile: start anew.
    """
    window = await identities.begin_repair()
    if window is None:
        return None
    await fence_all()  # 1. what was resolved before the fall-back aborts
    since = None if window.beat is None else Millis(window.beat - MARGIN_MS)
    gathered, done = _Gathered(), Repaired()
    async for records in _chunks(inbox(since)):  # 2. all shards, to their ends
        await _assert(identities, config, records, gathered)  # 3, 4. merges and links as logged
        done.records += len(records)
    done.united = await _unite(identities, config, gathered)  # 5. what is still apart
    done.told = await _tell(identities, config, gathered)  # 6. merges whose note never got out
    await identities.end_repair()  # 7. stitch may go on
    return done


async def _chunks(inbox: AsyncIterator[InboxRecord]) -> AsyncIterator[list[Identifying]]:
    records: list[Identifying] = []
    async for record in inbox:
        if isinstance(record, Identifying):
            records.append(record)
        if len(records) == CHUNK:
            yield records
            records = []
    if records:
        yield records


async def _assert(
    identities: Identities,
    config: IdentityConfig,
    records: Sequence[Identifying],
    gathered: _Gathered,
) -> None:
    """Steps 3 and 4 for some records; nothing is gathered from an attempt that was refused."""
    arrived = [record for record in records if isinstance(record, Arrived)]
    merged = [record for record in records if isinstance(record, Merged)]
    operated = [record for record in records if isinstance(record, Operated)]

    def assert_all(overlay: Overlay) -> _Gathered:
        found = _Gathered(merged={one.loser for one in merged})
        for one in merged:
            if not assert_merged(overlay, one):
                found.apart.setdefault(((one.loser, one.survivor), ()), Millis(0))
        for asked in operated:
            assert_operated(overlay, asked)
        for record in arrived:
            time = record.touchpoint.time
            if not assert_arrived(overlay, record, config):
                found.apart.setdefault(((record.profile,), record.links), time)
            if overlay.living(record.profile) != record.profile:
                found.dead.setdefault(record.profile, time)
        return found

    tokens, profiles = _concerned(records)
    found = await _change(identities, config, tokens, profiles, assert_all)
    gathered.merged |= found.merged
    gathered.dead |= found.dead
    gathered.apart |= found.apart


def _concerned(records: Sequence[Identifying]) -> tuple[set[str], set[ProfileId]]:
    """The tokens and profiles in these records."""
    tokens: set[str] = set()
    profiles: set[ProfileId] = set()
    for record in records:
        match record:
            case Arrived():
                tokens.update(record.links)
                profiles.add(record.profile)
            case Merged():
                profiles.update((record.loser, record.survivor))
            case Operated():
                tokens.update(record.tokens)
                profiles.update(record.profiles)
    return tokens, profiles


async def _unite(identities: Identities, config: IdentityConfig, gathered: _Gathered) -> int:
    """Step 5, the ordinary merge: by who is known, oldest, least. Returns how many merges.

    What the log merged is merged whatever the limits say; else they and event time decide.
    """
    united = 0
    for (profiles, links), time in sorted(gathered.apart.items(), key=lambda one: one[::-1]):

        def unite(
            overlay: Overlay,
            profiles: tuple[ProfileId, ...] = profiles,
            links: tuple[str, ...] = links,
            time: Millis = time,
        ) -> int:
            if links:
                return reconcile(overlay, profiles[0], links, time, config)
            living = set(map(overlay.living, profiles))
            roots = [root for root in living if not overlay.node(root).erased]
            if roots:
                overlay.unite(roots, time, links)
            return max(0, len(roots) - 1)

        united += await _change(identities, config, links, profiles, unite)
    return united


async def _tell(identities: Identities, config: IdentityConfig, gathered: _Gathered) -> int:
    """Step 6, through identity's outbox: the next transaction of stitch sends it."""
    read = await identities.read((), repairing=True)
    waiting = {one.note.loser for one in read.outbox if isinstance(one.note, Merge)}
    told = gathered.merged | waiting
    missing = [profile for profile in gathered.dead if profile not in told]

    def tell(overlay: Overlay) -> None:
        for loser in missing:
            overlay.note(Merge(loser, overlay.living(loser), gathered.dead[loser]))

    if missing:
        await _change(identities, config, (), missing, tell)
    return len(missing)


async def _change(
    identities: Identities,
    config: IdentityConfig,
    tokens: Iterable[str],
    profiles: Iterable[ProfileId],
    change: Callable[[Overlay], Result],
) -> Result:
    """Applies a change to what these tokens and profiles lead to, until nobody is in the way."""
    while True:
        read = await identities.read(tuple(tokens), repairing=True)
        records = dict(read.records)
        holders = map(holder_of, records.values())
        wanted = {*profiles, *(one for one in holders if one is not None)}
        nodes: dict[ProfileId, bytes | None] = {}
        while True:
            nodes |= await _with_survivors(identities, wanted)
            overlay = Overlay(records, nodes, config)
            try:
                result = change(overlay)
                break
            except Unread as unread:
                wanted = set(unread.profiles)
                if unread.tokens:
                    more = await identities.read(unread.tokens, repairing=True)
                    records |= more.records
        plan = overlay.plan()
        try:
            if plan:
                await identities.commit(read.gate, plan)
            return result
        except Conflict:
            continue


async def _with_survivors(
    identities: Identities, profiles: Iterable[ProfileId]
) -> dict[ProfileId, bytes | None]:
    """The nodes of these profiles and of all they have ended in; a trip for each step."""
    found: dict[ProfileId, bytes | None] = {}
    wanted = set(profiles)
    while wanted:
        found |= await identities.nodes(tuple(wanted))
        ends = {decode_node(raw).to for raw in map(found.get, wanted) if raw}
        wanted = {end for end in ends if end is not None and end not in found}
    return found
