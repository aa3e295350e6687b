"""Entering a map: rules 1 and 2, in the order of priority, then name."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import orjson

from journeys.language.model import Entry, Map, Reentry
from journeys.language.scope import Noticed

from .holdout import held_out
from .ids import cause_id, touchpoint_key
from .keys import as_text
from .lines import catch_up, later
from .local_time import add, rfc3339, subtract
from .moves import arrive, memory_key
from .occasions import Next, is_wanted, take
from .profile import Instance, Memory, Remembered
from .segments import SOURCE
from .steering import closed
from .stuck import attempt
from .turn import Turn, by_touchpoint
from .waits import window_end

KEYS_REMEMBERED = 200
"""Maps and keys a profile remembers for re-entry; the longest remembered goes first."""

BEHIND_AT_MOST = 200
"""Touchpoints that wait behind a timer; memory holds no more by default."""

CauseKind = Literal["touchpoint", "schedule", "date", "publication"]
"""What lets somebody in, or would."""

Taken = list[tuple[str, str | None]]
"""Maps and keys that an instance took this touchpoint for."""


class Refusal(NamedTuple):
    """`until` is when she could enter, where that is known."""

    reason: str
    until: int | None = None


def enter(
    turn: Turn, event: Noticed, kept: Remembered, taken: Taken, only: str | None = None
) -> None:
    """Offers the touchpoint to all entries, or those of the map `only`; one instance per key.

    An entry that fails lets nobody in and is told as `stuck`.
    """
    if kept.backfill:  # rule 8
        return
    for map_, entry in turn.book.entering.get(event.type, ()):
        if only is not None and map_.name != only:
            continue
        _offer(turn, map_, entry, event, kept, taken)


def enter_on(turn: Turn, found: Next) -> bool:
    """Offers an occasion that is due to its entry, and plans the next (2.6); always True."""
    occasion, due, log_time = found.occasion, found.due, turn.shard.log_time
    if not (take(turn, found) and is_wanted(turn, found)):
        return True
    name = cause_id(occasion.kind, turn.id, occasion.id, str(found.at))
    type_ = f"{occasion.kind} {occasion.map.name}"
    kept = Remembered(name, type_, due, max(0, log_time - due), SOURCE, "", {})
    taken: Taken = []
    _offer(turn, occasion.map, occasion.entry, kept, kept, taken, occasion.kind)
    if taken:
        turn.profile.let_in = {**turn.profile.let_in, occasion.id: found.at}
    return True


def _offer(
    turn: Turn,
    map_: Map,
    entry: Entry,
    event: Noticed,
    kept: Remembered,
    taken: Taken,
    kind: CauseKind = "touchpoint",
) -> None:
    profile = turn.profile
    instances, memory = profile.instances, dict(profile.memory)
    reason = attempt(turn, partial(_consider, turn, map_, entry, event, kept, taken, kind))
    if reason is not None:
        profile.instances, profile.memory = instances, memory
        told = {"reason": reason, "offset": turn.offset}
        _tell(turn, map_, None, "stuck", event, told, kind)
        turn.count(map_.name, map_.version, "stuck")


def _consider(
    turn: Turn,
    map_: Map,
    entry: Entry,
    event: Noticed,
    kept: Remembered,
    taken: Taken,
    kind: CauseKind,
) -> None:
    own_key = None
    if entry.request:
        if kept.properties.get("map") != map_.name:
            return
        own_key = as_text(kept.properties.get("key")) if map_.has_key else None
        event = kept = _asked(map_, kept)
    scope = turn.look_in(map_, event)
    if entry.trigger.when is not None and entry.trigger.when.run(scope) is not True:
        return
    key = as_text(entry.key.run(scope)) if entry.key else own_key
    if (map_.name, key) in taken:
        return
    if map_.has_key and key is None:
        _refuse(turn, map_, key, event, Refusal("missing_key"), kind)
        return
    refusal = _refusal(turn, map_, entry, key, kept, kind)
    if refusal is None:
        taken.append((map_.name, key))
        _start(turn, map_, key, kept, kind)
    elif refusal.reason:
        _refuse(turn, map_, key, event, refusal, kind)


def _asked(map_: Map, kept: Remembered) -> Remembered:
    """The request as the map sees it: its properties are what came `with` it, and are read."""
    given = kept.properties.get("with")
    given = given if isinstance(given, dict) else {}
    properties = {name: given[name] for name in given if name in map_.asks}
    return msgspec.structs.replace(kept, properties=properties)


def _refusal(
    turn: Turn, map_: Map, entry: Entry, key: str | None, kept: Remembered, kind: CauseKind
) -> Refusal | None:
    """Why she may not enter; an empty reason where a due timer must decide first (rule 3).

    An occasion comes after all timers before it; one that still waits for a source keeps her in.
    """
    if reason := closed(turn.shard, map_.name, map_.version):
        return Refusal(reason)
    if add(entry.max_age, kept.time, turn.zone(map_)) < _heard(turn, kept, kind):
        return Refusal("stale_entry")
    if map_.reentry.mode != "parallel":
        for open_ in turn.profile.instances:
            if open_.map == map_.name and open_.key == key:
                waits = kind == "touchpoint" and _waits_behind(open_, kept)
                return Refusal("" if waits else "already_in")
    memory = turn.profile.memory.get(memory_key(map_.name, key))
    return _too_soon(map_.reentry, memory, kept.time, turn.zone(map_)) if memory else None


def _heard(turn: Turn, kept: Remembered, kind: CauseKind) -> int:
    """When it was heard of. With the event clock time goes in leaps, and no occasion comes late."""
    if turn.shard.clock != "event":
        return kept.received
    return turn.shard.time if kind == "touchpoint" else kept.time


def _waits_behind(open_: Instance, kept: Remembered) -> bool:
    """Whether a timer that is due, or has decided and waits at the gate, must end it first."""
    if kept.time <= (open_.then.decided if open_.then else window_end(open_)):
        return False
    open_.behind.append(touchpoint_key(kept.source, kept.id))
    del open_.behind[:-BEHIND_AT_MOST]
    return True


def _too_soon(rule: Reentry, memory: Memory, time: int, zone: ZoneInfo) -> Refusal | None:
    """Cooldown, limit and `never`, by logical times; a window is (time - per, time]."""
    if rule.mode == "never" and memory.entries:
        return Refusal("never_again")
    ran = memory.exit if rule.cooldown_from == "exit" else max(memory.entries, default=None)
    if rule.cooldown is not None and ran is not None:
        until = add(rule.cooldown, ran, zone)
        if time < until:
            return Refusal("cooldown", until)
    if rule.limit is not None:
        start = subtract(rule.limit.per, time, zone)
        if sum(start < entered <= time for entered in memory.entries) >= rule.limit.count:
            return Refusal("limit")
    return None


def _start(turn: Turn, map_: Map, key: str | None, kept: Remembered, kind: CauseKind) -> None:
    """Enters, then looks at what she did after it and we heard of before (rule 3)."""
    profile, cause = turn.profile, by_touchpoint(kept)._replace(kind=kind)
    name = cause_id("instance", map_.name, key or "", cause.ref)
    instance = Instance(name, map_.name, map_.version, key, kept)
    instance.held_out = held_out(turn, map_)
    where = memory_key(map_.name, key)
    profile.memory[where] = _with_entry(profile.memory.get(where), kept.time, map_)
    profile.instances = sorted([*profile.instances, instance], key=oldest_first)
    arrive(turn, map_, instance, map_.first, kept.time, kept.time, cause)
    catch_up(turn, map_, instance, later(profile, kept.time), goals=True)
    while len(profile.memory) > KEYS_REMEMBERED:
        del profile.memory[next(iter(profile.memory))]


def oldest_first(instance: Instance) -> tuple[int, str]:
    return instance.entered, instance.id


def _with_entry(memory: Memory | None, time: int, map_: Map) -> Memory:
    """The newest entries, as many as a limit counts and never less than ten: a later version
    may count more (rule 2)."""
    known = memory or Memory()
    at_least = max(10, map_.reentry.limit.count if map_.reentry.limit else 0)
    return Memory(sorted([*known.entries, time])[-at_least:], known.exit, dict(known.sent))


def _refuse(
    turn: Turn, map_: Map, key: str | None, event: Noticed, refusal: Refusal, kind: CauseKind
) -> None:
    until = None if refusal.until is None else rfc3339(refusal.until)
    _tell(turn, map_, key, "refused", event, {"reason": refusal.reason, "until": until}, kind)
    turn.count(map_.name, map_.version, f"refused:{refusal.reason}")


def _tell(
    turn: Turn,
    map_: Map,
    key: str | None,
    kind: str,
    event: Noticed,
    more: Mapping[str, Any],
    cause: CauseKind,
) -> None:
    row = {
        "id": cause_id(kind, map_.name, key or "", event.source, event.id, more["reason"]),
        "kind": kind,
        "at": rfc3339(event.time),
        "logged": rfc3339(turn.shard.log_time),
        "profile_id": turn.id,
        "map": map_.name,
        "version": map_.version,
        "key": key,
        "cause": cause,
        "cause_id": event.id,
        **more,
    }
    turn.emit("transitions", turn.id, orjson.dumps(row))
