"""Identifiers that leave a person, and what goes with them where a profile is split (rule 9).

They are gone at once, so that nothing is sent to them any more. What came by them alone goes with
them at the next Tick, which comes behind all that was under way: touchpoints, the instances these
began, and the facts they told. What came by others as well, or by nobody knows what, stays.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain, combinations

import msgspec

from schemas import inbox
from schemas.inbox import MergeIn, Operated
from schemas.touchpoint import ProfileId

from .caps import PLACES_KEPT
from .departures import Parting, print_of
from .facts import tells
from .moves import memory_key
from .occasions import renew
from .profile import Instance, Memory, Profile, Remembered, encode
from .segments import edges
from .turn import Turn
from .waits import replan

TokenOf = Callable[[str, str], str]
"""Namespace and value -> token, as identity knows it."""

TOGETHER_AT_MOST = 10
"""So many leaving tokens are looked for in every combination, 1,023; of more, only each alone."""


def leave(turn: Turn, record: Operated, token_of: TokenOf | None) -> None:
    """These identifiers are not hers any more; of a split, what came by them follows."""
    profile, gone = turn.profile, frozenset(record.tokens)
    taken = _identifiers(profile, gone, token_of) if token_of else {}
    if record.kind != "split":
        return
    id_ = f"split/{record.other}"
    if id_ not in profile.absorbed and all(one.id != id_ for one in profile.parting):
        due = turn.shard.time if turn.shard.clock == "event" else turn.shard.log_time
        one = Parting(id_, record.other, list(record.tokens), max(1, due), taken)
        profile.parting = [*profile.parting, one]


def part(turn: Turn, token_of: TokenOf | None) -> None:
    """A Tick: what came by those that left goes to whose they are.

    The identifiers again, too: what was under way may have brought them back.
    """
    profile = turn.profile
    if turn.release is not None:
        renew(turn)
    for one in [one for one in profile.parting if one.due <= turn.shard.time]:
        profile.parting = [other for other in profile.parting if other is not one]
        profile.absorbed = [*profile.absorbed, one.id]
        if token_of:
            one.identifiers |= _identifiers(profile, frozenset(one.tokens), token_of)
        going = _going(turn, one)
        id_, other = ProfileId(one.id), ProfileId(one.other)
        turn.emit("inbox", other, inbox.encode(MergeIn(id_, other, (id_,), encode(going))))
    replan(turn, turn.shard.time)
    edges(turn, turn.shard.log_time, turn.shard.log_time, quiet=True)


def _identifiers(
    profile: Profile, gone: Collection[str], token_of: TokenOf
) -> dict[str, list[str]]:
    """Takes those of these tokens out of the profile, and returns them."""
    taken: dict[str, list[str]] = {}
    for namespace, values in list(profile.identifiers.items()):
        lost = [value for value in values if token_of(namespace, value) in gone]
        if lost:
            taken[namespace] = lost
            profile.identifiers[namespace] = [value for value in values if value not in lost]
            if len(lost) == len(values):
                del profile.identifiers[namespace]
    return taken


def _going(turn: Turn, one: Parting) -> Profile:
    """Takes out of the profile in hand, and returns, what came by these tokens alone."""
    profile, prints = turn.profile, _prints(one.tokens)
    going = Profile(last_seen=profile.last_seen, identifiers=one.identifiers)
    going.heard, going.occasions = profile.heard, dict(profile.occasions)
    going.let_in = dict(profile.let_in)
    going.known = any(tells(turn, namespace) for namespace in one.identifiers)
    going.remembered, profile.remembered = _sorted_out(profile.remembered, prints)
    going.instances = [each for each in profile.instances if each.entry.by in prints]
    profile.instances = [each for each in profile.instances if each.entry.by not in prints]
    going.ended = [each for each in profile.ended if each.instance.entry.by in prints]
    profile.ended = [each for each in profile.ended if each.instance.entry.by not in prints]
    times = {kept.time for kept in going.remembered}
    going.created = min(times, default=profile.created)
    _facts(profile, going, times - {kept.time for kept in profile.remembered})
    _memory(profile, going)
    return going


def _prints(tokens: Sequence[str]) -> frozenset[int]:
    """The prints of all touchpoints that came by some of these tokens and by no other."""
    most = len(tokens) if len(tokens) <= TOGETHER_AT_MOST else 1
    some = chain.from_iterable(combinations(tokens, size) for size in range(1, most + 1))
    return frozenset(map(print_of, some))


def _sorted_out(
    kept: Iterable[Remembered], prints: Collection[int]
) -> tuple[list[Remembered], list[Remembered]]:
    going: list[Remembered] = []
    staying: list[Remembered] = []
    for each in kept:
        (going if each.by in prints else staying).append(each)
    return going, staying


def _facts(profile: Profile, going: Profile, times: Collection[int]) -> None:
    """Those told at the time of a touchpoint that goes, and of none that stays.

    An objection stays as well: nobody must be written to by mistake.
    """
    for name, (value, time) in list(profile.traits.items()):
        if time in times:
            going.traits[name] = (value, time)
            del profile.traits[name]
    for name, (given, time) in list(profile.consents.items()):
        if time in times:
            going.consents[name] = (given, time)
            if given:
                del profile.consents[name]


def _memory(profile: Profile, going: Profile) -> None:
    """What re-entry, caps and splits know of the instances that go, where none of the map stays."""
    theirs, mine = _entries(going), _entries(profile)
    for where, times in theirs.items():
        found = profile.memory.get(where)
        if found is None:
            continue
        left = [time for time in found.entries if time in times]
        going.memory[where] = msgspec.structs.replace(found, entries=left)
        profile.memory[where] = Memory(
            [time for time in found.entries if time not in times], found.exit, found.sent
        )
        if where not in mine and not profile.memory[where].entries:
            del profile.memory[where]
    maps = {where.partition("/")[0] for where in theirs.keys() - mine.keys()}
    going.places = [place for place in profile.places if place.map in maps][-PLACES_KEPT:]
    profile.places = [place for place in profile.places if place.map not in maps]
    arms = profile.arms.items()
    going.arms = {where: arm for where, arm in arms if where.partition("/")[0] in maps}


def _entries(profile: Profile) -> dict[str, set[int]]:
    """When whoever is, or was lately, in a map entered it, by place in memory."""
    found: dict[str, set[int]] = {}
    instances: Iterable[Instance] = (*profile.instances, *(one.instance for one in profile.ended))
    for each in instances:
        found.setdefault(memory_key(each.map, each.key), set()).add(each.entered)
    return found
