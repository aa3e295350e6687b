"""The stitch agent's work over one source: whose is each touchpoint?

Whole batches, one Kafka transaction each: a touchpoint resolved again after a merge could land
in another shard, which cannot know that it was applied (protocol.md, M10).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from aiokafka import ConsumerRecord

from journeys.identity.claims import Claim, Claims
from journeys.identity.config import IdentityConfig
from journeys.identity.known import Decision
from journeys.identity.operations import Operation, asked_for, operation
from journeys.language.contracts import EventContract
from journeys.language.model import Source
from schemas import inbox
from schemas.deadletter import DeadLetter, dead_letter
from schemas.errors import ContractError
from schemas.inbox import Arrived, Marked
from schemas.intake import Mapping, decode, says_nothing
from schemas.intake.native import WATERMARK
from schemas.topics import Topics
from schemas.touchpoint import Millis, Touchpoint

from .clock import RedisClock
from .feed import Rewind
from .identities import resolve
from .metrics import Metrics
from .ports import (
    Fenced,
    Identities,
    IdentityInvalid,
    Outgoing,
    Publisher,
    Publishers,
    Waiting,
)
from .progress import Progress
from .publisher import stitch_name
from .telling import to_inbox, told
from .tenure import Tenure
from .weather import outlast

MARK_EVERY = 60_000
"""Milliseconds of event time by which a late source has to be further for the shards to hear."""

LEFT_BEHIND = 120_000
"""Milliseconds after which anybody tells of a note that waits in identity's outbox.

Until then the source tells of it whose batch put it there, at once if it is taken over, and batches
do that rest on it. When all of twelve busy sources told of all there was, each merge was told of
twelve times; at three seconds so, too, where a machine is busy enough to hold up transactions.
"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StitchParts:
    """What every source's owner in this worker shares.

    `repair` mends identity from the inbox; `event_clock` says that progress is what the
    `source.watermark` touchpoints of an import say, not a moment of Redis's clock.
    """

    identities: Identities
    claims: Claims
    config: IdentityConfig
    publishers: Publishers
    progress: Progress
    topics: Topics
    shards: int
    mappings: "dict[str, Mapping]"
    event_clock: bool
    clock: RedisClock
    repair: Callable[[], Awaitable[None]]
    metrics: Metrics
    contracts: "dict[str, EventContract]" = field(default_factory=dict)
    """What the catalogue demands of touchpoints, by type."""
    late: "dict[str, Source]" = field(default_factory=dict)
    """Sources whose touchpoints may come late, by name: every shard hears how far they are."""


@dataclass(slots=True)
class Batch:
    """One batch on its way: what was understood, what was not, and the latest watermark in it.

    `told` are the notes of identity's outbox that went out with it.
    """

    taken: list[tuple[ConsumerRecord, Touchpoint, Claim | Operation]]
    refused: list[tuple[ConsumerRecord, ContractError]]
    watermark: int = 0
    told: list[str] = field(default_factory=list)
    marks: dict[str, Millis] = field(default_factory=dict)
    """Late source -> how far it is, by what this batch says."""


class SourceOwner:
    """Owns one partition of a touchpoint topic."""

    def __init__(self, parts: StitchParts, source: tuple[str, int], publisher: Publisher) -> None:
        self._parts, self._source = parts, source
        self._marked: dict[str, Millis] = {}
        self._in_doubt = True
        """An attempt of this source may have been cut off: notes of its own may wait untold."""
        name, place = stitch_name(parts.topics, *source), f"{source[0]}/{source[1]}"
        self._tenure = Tenure("stitch", place, name, parts.publishers, parts.metrics, publisher)

    @property
    def position(self) -> int:
        """All before it is published."""
        return self._tenure.publisher.cursor.next

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Publishes whose `records` are; raises Rewind where the batch has to be read again.

        Once published it is never tried again: only what follows is, until it is done.
        """
        with self._parts.metrics.stitching():
            done = await self._guarded(lambda: self._stitch(records))
            await outlast(lambda: self._settle(done), "noting what was stitched")
        self._tenure.kept()

    async def idle(self) -> None:
        """Tells of what a crashed worker left in identity's outbox (M34).

        With the event clock the word of an import comes once, and a crash or Redis may have
        lost its note since: it is made again, from what stands beside the cursor.
        """
        await self._guarded(self._tell_of_the_rest)
        await outlast(self._note_progress, "noting progress")

    async def close(self) -> None:
        await self._tenure.publisher.close()

    async def _guarded(self, work: Callable[[], Awaitable[T]]) -> T:
        """The work through any weather; where this owner lost its place it takes it again."""
        try:
            return await outlast(work, f"stitching {self._tenure.place}")
        except IdentityInvalid:
            await outlast(self._parts.repair, "repairing identity")
            await self._tenure.renew()
            raise Rewind(self.position) from None
        except Fenced as fenced:
            await self._tenure.regain(fenced)
            raise Rewind(self.position) from fenced

    async def _stitch(self, records: Sequence[ConsumerRecord]) -> Batch:
        """1 decode, 2 to 4 resolve (read, decide, write), 5 publish; 6 is `_settle`."""
        parts, now = self._parts, await self._parts.clock.now()
        batch = self._decode(records, now)  # 1
        claims = [claim for _, _, claim in batch.taken]
        in_doubt, self._in_doubt = self._in_doubt, True
        place = self._tenure.place
        resolved = await resolve(parts.identities, claims, parts.config, place)  # 2, 3, 4
        in_doubt = in_doubt or resolved.conflicts > 0  # a commit may have been sent twice
        notes = [*self._left(resolved.rest, now, in_doubt=in_doubt), *resolved.outbox]
        marks = self._further(batch)
        before, behind = self._told(notes)
        outgoing = [
            *before,
            *self._arrivals(batch, resolved.decisions),
            *behind,
            *self._marks(marks),  # behind all that the source brought before
            *self._dead_letters(batch),
        ]
        await self._tenure.publisher.publish(outgoing, records[-1].offset + 1, batch.watermark)  # 5
        self._in_doubt = False
        self._marked |= marks
        batch.told = [waiting.id for waiting in notes]
        parts.metrics.published("stitch")
        parts.metrics.decided_again(resolved.conflicts)
        codes = [error.code for _, error in batch.refused]
        parts.metrics.stitched(self._source[0], len(batch.taken), codes, len(notes))
        return batch

    async def _settle(self, batch: Batch) -> None:
        """6: trims the notes told of and notes progress; twice is harmless."""
        await self._parts.identities.trim(batch.told)
        if batch.watermark:
            await self._note_progress()

    async def _note_progress(self) -> None:
        """With the event clock only; by the wall clock `ProgressKeeper` does it."""
        mark = self._tenure.publisher.cursor.mark
        if self._parts.event_clock and mark:
            await self._parts.progress.note({self._source: mark}, {self._source: self.position})

    async def _tell_of_the_rest(self) -> None:
        read, now = await self._parts.identities.read(()), await self._parts.clock.now()
        in_doubt, self._in_doubt = self._in_doubt, True
        left = self._left(read.outbox, now, in_doubt=in_doubt)
        if left:
            before, behind = self._told(left)
            await self._tenure.publisher.publish([*before, *behind], self.position)
            await self._parts.identities.trim([waiting.id for waiting in left])
        self._in_doubt = False

    def _left(self, outbox: Sequence[Waiting], now: Millis, *, in_doubt: bool) -> list[Waiting]:
        """What nobody else is about to tell; `in_doubt`: what this source itself put there, too."""
        mine = {"", self._tenure.place} if in_doubt else frozenset[str]()
        return [one for one in outbox if one.by in mine or one.since <= now - LEFT_BEHIND]

    def _decode(self, records: Sequence[ConsumerRecord], now: Millis) -> Batch:
        batch, mapping = Batch([], []), self._parts.mappings.get(self._source[0])
        oldest = self._oldest(now)
        for record in records:
            try:
                touchpoint = decode(record, mapping, now)
                contract = self._parts.contracts.get(touchpoint.type)
                if contract is not None:
                    contract.hold(touchpoint.type, touchpoint.properties)
            except ContractError as error:
                if not says_nothing(record, mapping):
                    batch.refused.append((record, error))
                continue
            if self._parts.late:
                _mark(batch, touchpoint, self._parts.late)
            if touchpoint.type == WATERMARK:
                batch.watermark = max(batch.watermark, _upto(touchpoint))
                continue
            batch.taken.append((record, touchpoint, self._claim(touchpoint, oldest)))
        return batch

    def _oldest(self, now: Millis) -> Millis:
        """Whoever is older may have been undone, which nobody would know any more."""
        ttl = self._parts.config.tombstone_ttl
        return Millis(now - ttl) if ttl else Millis(0)

    def _claim(self, touchpoint: Touchpoint, oldest: Millis) -> Claim | Operation:
        """What it says about who it is, or asks of identity."""
        claims, cause = self._parts.claims, f"{touchpoint.source}/{touchpoint.id}"
        kind = asked_for(touchpoint.type)
        if kind is None:
            claim = claims.read(
                touchpoint.identifiers,
                touchpoint.time,
                cause,
                touchpoint.source,
                touchpoint.verified,
            )
            too_old = touchpoint.time < oldest
            more = {"looks_up": True, "finds": True} if too_old else {}
            return msgspec.structs.replace(claim, **more) if more else claim
        written = [f"{name}:{raw}" for name, raws in touchpoint.identifiers.items() for raw in raws]
        return operation(kind, written, claims, touchpoint.time, cause)

    def _arrivals(self, batch: Batch, decisions: Sequence[Decision]) -> list[Outgoing]:
        """The inbox records; who cannot be told joins the refused, with the reasons."""
        arrivals, topics, shards = [], self._parts.topics, self._parts.shards
        for (record, touchpoint, claim), decision in zip(batch.taken, decisions, strict=True):
            if isinstance(claim, Operation):
                if claim.is_of_nobody or decision.refused:
                    batch.refused.append((record, _nobody(decision)))
                continue
            if decision.profile is None:
                if not decision.erased:  # a dead letter would keep what was to be forgotten
                    batch.refused.append((record, _nobody(decision)))
                continue
            known = msgspec.structs.replace(touchpoint, identifiers=claim.usable)
            origin = (record.topic, record.partition, record.offset)
            arrived = Arrived(decision.profile, known, decision.links, origin)
            arrivals.append(to_inbox(topics, shards, decision.profile, arrived))
        return arrivals

    def _told(self, outbox: Sequence[Waiting]) -> tuple[list[Outgoing], list[Outgoing]]:
        """What identity's outbox holds, before and behind a batch's touchpoints."""
        return told(outbox, self._parts.topics, self._parts.shards, self._parts.config)

    def _further(self, batch: Batch) -> dict[str, Millis]:
        """Late sources that are further by MARK_EVERY, or say themselves how far they are."""
        return {
            source: upto
            for source, upto in batch.marks.items()
            if self._parts.late[source].watermark == "explicit"
            or upto >= self._marked.get(source, 0) + MARK_EVERY
        }

    def _marks(self, marks: "dict[str, Millis]") -> list[Outgoing]:
        """Every shard hears of each."""
        values = [inbox.encode(Marked(source, upto)) for source, upto in marks.items()]
        return [
            Outgoing(self._parts.topics.inbox, None, value, partition=shard)
            for value in values
            for shard in range(self._parts.shards)
        ]

    def _dead_letters(self, batch: Batch) -> list[Outgoing]:
        topic = self._parts.topics.dead_letters(self._source[0])
        letters = [dead_letter(record, error) for record, error in batch.refused]
        return [
            Outgoing(topic, letter.key, letter.value, letter.headers, 0, _stamp(letter))
            for letter in letters
        ]


def _mark(batch: Batch, touchpoint: Touchpoint, late: "dict[str, Source]") -> None:
    """How far a late source is: by the largest event time, or by its own word."""
    is_word = touchpoint.type == WATERMARK
    name = str(touchpoint.properties.get("source")) if is_word else touchpoint.source
    source = late.get(name)
    if source is not None and is_word == (source.watermark == "explicit"):
        upto = _upto(touchpoint) if is_word else touchpoint.time
        batch.marks[name] = max(upto, batch.marks.get(name, upto))


def _upto(touchpoint: Touchpoint) -> Millis:
    return Millis(touchpoint.properties["upto"])


def _stamp(letter: DeadLetter) -> Millis | None:
    return None if letter.timestamp is None else Millis(letter.timestamp)


def _nobody(decision: Decision) -> ContractError:
    reasons = ", ".join(f"{identifier} ({why})" for identifier, why in decision.rejected)
    return ContractError(
        "no-usable-identifier",
        "/identifiers",
        f"None of the identifiers says who it is: {reasons or 'there is none'}.",
        "Send one that belongs to a person or a device, in a namespace of this workspace.",
    )
