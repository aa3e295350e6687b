"""Identity on one Redis node, and the way a whole batch of claims is resolved against it.

A hot batch (all identifiers known, one profile each) is one round trip, one with news is three:
records, nodes, and the script that writes all or nothing. Rules are in `journeys.identity`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import cast

from redis.asyncio import Redis

from journeys.identity.claims import Claim
from journeys.identity.config import IdentityConfig
from journeys.identity.known import Decision, known
from journeys.identity.operations import Operation, carry_out
from journeys.identity.overlay import Overlay
from journeys.identity.plan import Plan, Unread, wanted_nodes
from journeys.identity.records import decode_note, encode, moved_by
from schemas.touchpoint import Millis, ProfileId
from streams.keys import Keys
from streams.ports import (
    Conflict,
    Identities,
    IdentityInvalid,
    IdentityRead,
    RepairWindow,
    Waiting,
)
from streams.scripts import Script

ATTEMPTS = 8
"""Conflicts of one batch before it is cut in two: a smaller one collides with fewer."""

REPAIRING = b"repairing:"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A decision for each claim, and what is to be told to the inbox with it.

    `outbox` are the notes of these claims, and of others which moved what they name: none of these
    decisions may get there before what it rests on. `rest` are the notes of others besides.
    `conflicts` counts how often the batch, or a part of it, had to be decided again.
    """

    decisions: Sequence[Decision]
    outbox: Sequence[Waiting]
    rest: Sequence[Waiting] = ()
    conflicts: int = 0


async def resolve(
    identities: Identities,
    claims: Sequence[Claim | Operation],
    config: IdentityConfig,
    by: str = "",
) -> Resolved:
    """Decides the claims in order and does the operations; all they change is written, or nothing.

    `by` names the source, in the outbox. An empty batch only looks there.

    Raises IdentityInvalid; and Conflict where a single claim found no way past its neighbours:
    nothing is lost, try again.
    """
    for conflicts in range(ATTEMPTS):
        try:
            return await _attempt(identities, claims, config, by, conflicts)
        except Conflict as conflict:
            latest = conflict
    if len(claims) < 2:
        raise latest
    middle = len(claims) // 2
    one = await resolve(identities, claims[:middle], config, by)
    other = await resolve(identities, claims[middle:], config, by)
    decisions = [*one.decisions, *other.decisions]
    outbox = {waiting.id: waiting for waiting in (*one.outbox, *other.outbox)}
    rest = {waiting.id: waiting for waiting in (*one.rest, *other.rest) if waiting.id not in outbox}
    conflicts = ATTEMPTS + one.conflicts + other.conflicts
    return Resolved(decisions, list(outbox.values()), list(rest.values()), conflicts)


async def _attempt(
    identities: Identities,
    claims: Sequence[Claim | Operation],
    config: IdentityConfig,
    by: str,
    conflicts: int,
) -> Resolved:
    tokens = list(dict.fromkeys(chain.from_iterable([claim.tokens for claim in claims])))
    read = await identities.read(tokens)
    latest = max([claim.time for claim in claims], default=0)
    fresh = max(0, latest - config.touch_interval)
    answers = known(claims, read.records, fresh)
    mine: Sequence[Waiting] = ()
    if None in answers:
        answers, plan = await _decided(identities, read, claims, answers, config, fresh)
        plan.by = by
        mine = await identities.commit(read.gate, plan) if plan else ()
    theirs, rest = _apart(read.outbox, tokens, mine) if read.outbox else ([], [])
    return Resolved(cast("list[Decision]", answers), [*theirs, *mine], rest, conflicts)


def _apart(
    outbox: Sequence[Waiting], tokens: Sequence[str], mine: Sequence[Waiting]
) -> tuple[list[Waiting], list[Waiting]]:
    """What a batch of these identifiers, with these notes, rests on; and the rest."""
    moved = set(tokens).union(*(moved_by(one.note) for one in mine))
    theirs = [one for one in outbox if not moved.isdisjoint(moved_by(one.note))]
    return theirs, [one for one in outbox if moved.isdisjoint(moved_by(one.note))]


async def _decided(
    identities: Identities,
    read: IdentityRead,
    claims: Sequence[Claim | Operation],
    answers: Sequence[Decision | None],
    config: IdentityConfig,
    fresh: int,
) -> tuple[list[Decision | None], Plan]:
    """All decisions of a batch of which some are `known`, and what they change."""
    news = [claim for claim, answer in zip(claims, answers, strict=True) if answer is None]
    records = read.records
    wanted = Unread(wanted_nodes(news, records, config))
    nodes: dict[ProfileId, bytes | None] = {}
    while True:
        if wanted.profiles:
            nodes.update(await identities.nodes(wanted.profiles))
        if wanted.tokens:
            more = await identities.read(wanted.tokens)
            if more.gate != read.gate:
                raise Conflict("identity was lost or repaired meanwhile")
            records = {**records, **more.records}
        overlay = Overlay(records, nodes, config, fresh)
        try:
            return _in_order(overlay, claims, answers, config), overlay.plan()
        except Unread as unread:
            wanted = _all_unread(Overlay(records, nodes, config, fresh), news, config, unread)


def _in_order(
    overlay: Overlay,
    claims: Sequence[Claim | Operation],
    answers: Sequence[Decision | None],
    config: IdentityConfig,
) -> list[Decision | None]:
    """Who was known before the batch still is, unless it changed what is theirs."""
    return [
        answer
        if answer is not None and overlay.leaves(claim.tokens)
        else _decision(overlay, claim, config)
        for claim, answer in zip(claims, answers, strict=True)
    ]


def _decision(overlay: Overlay, claim: Claim | Operation, config: IdentityConfig) -> Decision:
    if isinstance(claim, Operation):
        return carry_out(overlay, claim, config.key)
    return overlay.take(claim)


def _all_unread(
    overlay: Overlay,
    claims: Sequence[Claim | Operation],
    config: IdentityConfig,
    first: Unread,
) -> Unread:
    """What all of these claims ask for besides the first, so that a batch is not read for each.

    The overlay goes on from claims that were not decided: what it holds afterwards is wrong.
    """
    profiles = dict.fromkeys(first.profiles)
    tokens = dict.fromkeys(first.tokens)
    for claim in claims:
        try:
            _decision(overlay, claim, config)
        except Unread as unread:
            profiles.update(dict.fromkeys(unread.profiles))
            tokens.update(dict.fromkeys(unread.tokens))
    return Unread(profiles, tokens)


class RedisIdentities:
    """The port `Identities` on one Redis node. The client must not decode replies."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis, self._keys = redis, keys
        self._resolve = Script(redis, "resolve")
        self._mark = Script(redis, "mark_identity")
        self._beat = Script(redis, "beat")

    async def read(self, tokens: Sequence[str], *, repairing: bool = False) -> IdentityRead:
        asked = self._redis.pipeline(transaction=False)
        asked.info("server")
        asked.get(self._keys.identity_valid)
        if tokens:
            asked.mget(self._keys.identifiers(tokens))
        asked.xrange(self._keys.identity_outbox)  # last: what moved these is in it, or was told
        info, valid, *records, outbox = await asked.execute()
        run = info["run_id"].encode()
        if valid != run and not (repairing and valid == REPAIRING + run):
            raise IdentityInvalid("identity is not of this run of Redis")
        found = dict(zip(tokens, records[0] if records else (), strict=True))
        waiting = [
            Waiting(key.decode(), decode_note(fields[b"note"]), fields.get(b"by", b"").decode())
            for key, fields in outbox
        ]
        return IdentityRead(valid, found, waiting)

    async def nodes(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, bytes | None]:
        found = await self._redis.mget([self._keys.node(profile) for profile in profiles])
        return dict(zip(profiles, cast("list[bytes | None]", found), strict=True))

    async def commit(self, gate: bytes, plan: Plan) -> Sequence[Waiting]:
        changed = self._keys.identifiers(plan.records)
        changed += [self._keys.node(profile) for profile in plan.nodes]
        repointed = self._keys.identifiers([token for token, _, _ in plan.repoints])
        seen = self._keys.identifiers(plan.touches)
        numbers = await self._resolve(
            keys={"valid": self._keys.identity_valid, "outbox": self._keys.identity_outbox},
            args={
                "gate": gate,
                "changes": [
                    (*change, plan.lapses.get(key, 0))
                    for key, change in chain(plan.records.items(), plan.nodes.items())
                ],
                "repoints": [(loser, survivor) for _, loser, survivor in plan.repoints],
                "touches": list(plan.touches.values()),
                "notes": [encode(note) for note in plan.notes],
                "by": plan.by,
            },
            more_keys=[*changed, *repointed, *seen],
        )
        put = zip(numbers, plan.notes, strict=True)
        return [Waiting(number.decode(), note, plan.by) for number, note in put]

    async def trim(self, ids: Sequence[str]) -> None:
        if ids:
            await self._redis.xdel(self._keys.identity_outbox, *ids)

    async def beat(self, now: Millis) -> None:
        await self._beat(
            keys={"valid": self._keys.identity_valid, "beat": self._keys.identity_beat},
            args={"now": now},
        )

    async def begin_repair(self) -> RepairWindow | None:
        run, valid, beat = await self._state()
        if valid == run:
            return None
        await self._set_mark(run, expected=valid, gate=REPAIRING + run)
        return RepairWindow(Millis(int(beat)) if beat else None)

    async def end_repair(self) -> None:
        run, _, _ = await self._state()
        await self._set_mark(run, expected=REPAIRING + run, gate=run)

    async def _state(self) -> tuple[bytes, bytes, bytes]:
        """The server's run, the mark on identity and its last beat, b"" where there is none."""
        asked = self._redis.pipeline(transaction=True)
        asked.info("server")
        asked.mget([self._keys.identity_valid, self._keys.identity_beat])
        info, (valid, beat) = await asked.execute()
        return info["run_id"].encode(), valid or b"", beat or b""

    async def _set_mark(self, run: bytes, expected: bytes, gate: bytes) -> None:
        await self._mark(
            keys={"valid": self._keys.identity_valid},
            args={"run": run, "expected": expected, "gate": gate},
        )
