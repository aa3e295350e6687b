"""What happened to people, read from a file or from a cluster's inbox, as pasts to be relived.

A file goes through the very code of an import: mapping, contract, identity (in memory). In the
inbox people are known already.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec

from journeys.identity.claims import Claims
from journeys.identity.config import IdentityConfig
from journeys.replay.pasts import Happened
from schemas import inbox
from schemas.errors import ContractError
from schemas.inbox import Arrived, Emitted, InboxRecord, Merged, Operated
from schemas.intake import Mapping
from schemas.intake.native import WATERMARK
from schemas.touchpoint import Millis, ProfileId, Touchpoint
from streams.identities import resolve
from streams.identities_memory import MemoryIdentities
from streams.imports import Progress, Refused, Row, UnreadableFile, read_rows, touchpoint_of
from streams.reading import read_to_end
from streams.settings import Settings

BULK = 1000
START = Millis(0)

ToldOf = Callable[[int, int, int], None]
"""Called with how much is done, of how much, and how many touchpoints that were."""


@dataclass
class History:
    """`refused` are rows that break the contract, `nobody` counts touchpoints in which nothing can
    identify; `until` is the latest moment."""

    pasts: list[list[Happened]] = field(default_factory=list)
    touchpoints: int = 0
    refused: list[Refused] = field(default_factory=list)
    nobody: int = 0
    until: Millis = START


@dataclass
class _Gathering:
    """Records by profile, who ended in whom, and which ids were of people erased since."""

    kept: dict[ProfileId, list[tuple[Millis, int, InboxRecord]]] = field(default_factory=dict)
    went: dict[ProfileId, ProfileId] = field(default_factory=dict)
    erased: set[ProfileId] = field(default_factory=set)
    count: int = 0
    touchpoints: int = 0
    nobody: int = 0
    until: Millis = START

    def add(self, name: ProfileId, heard: Millis, record: InboxRecord) -> None:
        self.count += 1
        self.kept.setdefault(name, []).append((heard, self.count, record))
        self.until = max(self.until, heard)
        if isinstance(record, Merged):
            self.went[record.loser] = record.survivor
        else:
            self.touchpoints += 1

    def history(self) -> History:
        """Those who ended in one person have one past, in the order in which it was heard of."""
        together: dict[ProfileId, list[tuple[Millis, int, InboxRecord]]] = {}
        for name in list(self.kept):
            records, root = self.kept.pop(name), self._root(name)
            if root in self.erased:
                continue
            if root in together:
                together[root] += records
            else:
                together[root] = records
        pasts = [
            [Happened(heard, record) for heard, _, record in sorted(each, key=_order)]
            for each in together.values()
        ]
        return History(pasts, self.touchpoints, until=self.until)

    def _root(self, name: ProfileId) -> ProfileId:
        passed = {name}
        while (to := self.went.get(name)) is not None and to not in passed:
            passed.add(to)
            name = to
        return name


def read_file(
    file: Path,
    mapping: Mapping | None,
    config: IdentityConfig,
    upto: Millis | None,
    told_of: ToldOf,
) -> History:
    """The people of a file, without touchpoints dated after `upto`; raises UnreadableFile."""
    if mapping is None and ".csv" in file.name.lower()[-7:]:
        raise UnreadableFile(
            f"Nothing says what the columns of {file.name} mean. Describe them under `sources:` in "
            "wayline.yaml, or in a file, and name that with --mapping."
        )
    progress, refused = Progress(), list[Refused]()
    # Rows that name no time happened now, as in an import.
    now = Millis(time.time_ns() // 1_000_000)
    found = _touchpoints(read_rows(file, progress), mapping, now, refused)
    if upto is not None:
        found = (each for each in found if each.time <= upto)
    gathering = _Gathering()
    # Nothing is returned from there: asyncio puts what its tasks return into words.
    asyncio.run(_stitch(found, config, gathering, lambda: _tell(told_of, progress, gathering)))
    history = gathering.history()
    history.refused, history.nobody = refused, gathering.nobody
    return history


async def read_inbox(
    settings: Settings, upto: Millis | None, made_here: frozenset[str], told_of: ToldOf
) -> History:
    """The people of a workspace, without those who were erased; touchpoints dated after `upto`
    are left out.

    Touchpoints that maps made are taken as they are, but for the types `made_here`, which the
    maps in question make again.
    """
    gathering, heard = _Gathering(), dict[int, Millis]()
    async for partition, record in _records(settings):
        touchpoint = getattr(record, "touchpoint", None)
        if touchpoint is not None:
            if upto is not None and touchpoint.time > upto:
                continue
            if isinstance(record, Emitted) and touchpoint.type in made_here:
                continue
            heard[partition] = max(heard.get(partition, Millis(0)), touchpoint.time)
        name = inbox.recipient(record)
        if isinstance(record, Operated):
            gathering.erased.update(record.profiles)
        elif name is not None:
            gathering.add(name, heard.get(partition, Millis(0)), record)
            if gathering.count % BULK == 0:
                told_of(0, 0, gathering.touchpoints)
    return gathering.history()


async def _records(settings: Settings) -> AsyncIterator[tuple[int, InboxRecord]]:
    async for raw in read_to_end(settings.connection, [settings.topics.inbox]):
        record = inbox.decode(raw.value)
        # All else in the inbox either follows from these, or is of the maps that were in force.
        if isinstance(record, Arrived | Emitted | Merged) or _erases(record):
            yield raw.partition, record


def _erases(record: InboxRecord) -> bool:
    return isinstance(record, Operated) and record.kind == "erase"


def _touchpoints(
    found: Iterable[Row | Refused], mapping: Mapping | None, now: Millis, refused: list[Refused]
) -> Iterator[Touchpoint]:
    for row in found:
        if isinstance(row, Refused):
            refused.append(row)
            continue
        try:
            touchpoint = touchpoint_of(row, mapping, now)
        except ContractError as error:
            refused.append(Refused(row.line, error.code, error.path, error.what, error.mend))
            continue
        if touchpoint.type != WATERMARK:
            yield touchpoint


def _tell(told_of: ToldOf, progress: Progress, gathering: _Gathering) -> None:
    told_of(progress.read_bytes, progress.total_bytes, gathering.touchpoints)


async def _stitch(
    found: Iterator[Touchpoint],
    config: IdentityConfig,
    gathering: _Gathering,
    after_each: Callable[[], None],
) -> None:
    """As the stitch agent does it, a bulk at a time."""
    identities, claims = MemoryIdentities(), Claims(config)
    await identities.begin_repair()
    await identities.end_repair()
    heard = START
    while bulk := list(islice(found, BULK)):
        read = [claims.read(t.identifiers, t.time, "", t.source, t.verified) for t in bulk]
        resolved = await resolve(identities, read, config)
        await identities.trim([waiting.id for waiting in resolved.outbox])
        for touchpoint, claim, decision in zip(bulk, read, resolved.decisions, strict=True):
            heard = max(heard, touchpoint.time)
            for loser, survivor in decision.merges:
                gathering.add(loser, heard, Merged(loser, survivor))
            if decision.profile is None:
                gathering.nobody += 1
                continue
            known = _with_usable(touchpoint, claim.usable)
            gathering.add(decision.profile, heard, Arrived(decision.profile, known, (), _HERE))
        after_each()


_HERE = ("", 0, 0)


def _with_usable(touchpoint: Touchpoint, usable: dict[str, tuple[str, ...]]) -> Touchpoint:
    return msgspec.structs.replace(touchpoint, identifiers=usable)


def _order(kept: tuple[Millis, int, InboxRecord]) -> tuple[Millis, int]:
    return kept[0], kept[1]
