"""Who was erased, and what stays of her: a tombstone that takes nothing any more.

Whatever was under way to her, or to an id she once had, ends at it. Her shard has the shards of
those ids forget her too; each says so after its next Tick, which finds what was forgotten stored
and comes behind all that had reached the touchpoint topics before. Then it is reported.
"""

from functools import partial

import orjson

from schemas import inbox
from schemas.inbox import Forget, Forgotten, Operated
from schemas.touchpoint import Millis, ProfileId

from .departures import NOWHERE, Erasure
from .gate import cancel
from .ids import cause_id
from .local_time import rfc3339
from .moves import part
from .profile import Profile
from .stuck import attempt
from .turn import Cause, Turn


def erase(turn: Turn, record: Operated) -> Profile:
    """The tombstone in her place; who was erased before is told of again."""
    found = turn.profile.erasure
    if found is not None:
        if record.cause not in found.causes:
            found.causes.append(record.cause)
            found.asked.append((record.cause, record.time))
        _report(turn, found)
        return turn.profile
    _end_all(turn, record)
    for alias in record.aliases:
        turn.emit("inbox", alias, inbox.encode(Forget(alias, turn.id, record.kept)))
    aliases: list[str] = [*record.aliases]
    erasure = Erasure(_until(turn, record.kept), aliases=aliases, awaited=aliases[:])
    erasure.causes.append(record.cause)
    erasure.asked.append((record.cause, record.time))
    return Profile(redirect=NOWHERE, look_again=_soon(turn), erasure=erasure)


def forget(turn: Turn, record: Forget) -> Profile:
    """The tombstone of an id that an erased person had."""
    _end_all(turn, Operated("erase", turn.id, (), Millis(0)))
    erasure = Erasure(_until(turn, record.kept), of=record.of)
    return Profile(redirect=NOWHERE, look_again=_soon(turn), erasure=erasure)


def forgotten(turn: Turn, record: Forgotten) -> None:
    """One of the other shards has done it."""
    erasure = turn.profile.erasure
    if erasure is not None and record.part in erasure.awaited:
        erasure.awaited.remove(record.part)
        _report(turn, erasure)


def wake(turn: Turn, erasure: Erasure) -> Profile | None:
    """A Tick found her tombstone stored. None: it need not be there any longer."""
    if turn.profile.look_again > turn.shard.time:
        return turn.profile
    if erasure.stored and not erasure.asked and 0 < erasure.until <= turn.shard.time:
        return None
    if not erasure.stored and erasure.of:
        of = ProfileId(erasure.of)
        turn.emit("inbox", of, inbox.encode(Forgotten(of, turn.id)))
    erasure.stored = True
    _report(turn, erasure)
    return turn.profile


def _end_all(turn: Turn, record: Operated) -> None:
    """Her journeys end `erased`, and what stood at the gate is withheld."""
    cause = Cause(record.cause, "touchpoint", f"erase/{turn.id}")
    for instance in list(turn.profile.instances):
        if (map_ := turn.map_of(instance)) is not None:
            attempt(turn, partial(cancel, turn, map_, instance))
        part(turn, instance, "erased", turn.shard.log_time, cause)


def _soon(turn: Turn) -> int:
    """At a Tick behind all that is under way now."""
    shard = turn.shard
    return max(1, shard.time if shard.clock == "event" else shard.log_time)


def _until(turn: Turn, kept: int) -> int:
    return turn.shard.log_time + kept if kept else 0


def _report(turn: Turn, erasure: Erasure) -> None:
    """A row for each who asked, once all shards have done it; then she waits to be no more."""
    if not erasure.stored:
        return
    turn.profile.look_again = 0 if erasure.awaited else erasure.until
    if erasure.awaited or erasure.of:
        return
    tenant = turn.release.workspace.identity.get("tenant") if turn.release else None
    for cause, time in erasure.asked:
        row = {
            **({"tenant": tenant} if tenant else {}),
            "type": "profile.erased",
            "id": cause_id("erase", turn.id, cause),
            "from": turn.id,
            "from_aliases": erasure.aliases,
            "ts": time,
            "at": rfc3339(turn.shard.log_time),
            "cause": {"event_id": cause},
        }
        turn.emit("merges", turn.id, orjson.dumps(row))
    erasure.asked = []
