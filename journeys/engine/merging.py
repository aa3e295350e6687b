"""Two profiles that are one person (protocol.md, "One record, one step", 2 to 4; rule 9)."""

from typing import TypeVar

from msgspec.structs import replace

from schemas import inbox
from schemas.inbox import Emitted, Forwarded, Merged, MergeIn, Operated
from schemas.touchpoint import ProfileId, Touchpoint

from . import arms, credit, occasions, pace, tallies
from . import profile as profiles
from .entries import oldest_first
from .lines import in_order, resume
from .moves import memory_key, part
from .profile import Instance, Memory, Profile, Remembered
from .segments import edges
from .stuck import guarded
from .turn import Cause, Turn
from .waits import replan

_K = TypeVar("_K", str, int)


def forward(turn: Turn, touchpoint: Touchpoint) -> None:
    """The profile is a redirect: the touchpoint goes on to where it leads."""
    target = ProfileId(turn.profile.redirect)
    record = (
        Emitted(target, touchpoint, turn.hops)
        if turn.hops
        else Forwarded(target, touchpoint, turn.links)
    )
    turn.emit("inbox", target, inbox.encode(record))


def pass_on(turn: Turn, record: Operated) -> None:
    """The profile is a redirect, or was erased: what is said of it goes on to where it leads."""
    if not turn.profile.erasure:
        target = ProfileId(turn.profile.redirect)
        turn.emit("inbox", target, inbox.encode(replace(record, profile=target)))


def merge(turn: Turn, record: Merged) -> Profile:
    """The loser becomes a redirect; all she was is on its way to the survivor."""
    until = turn.shard.log_time + record.kept if record.kept else 0
    state = profiles.encode(turn.profile)
    note = MergeIn(record.loser, record.survivor, (record.loser,), state)
    turn.emit("inbox", record.survivor, inbox.encode(note))
    return Profile(redirect=record.survivor, look_again=until)


def merge_in(turn: Turn, record: MergeIn) -> Profile:
    """Unites, or passes on what reached a redirect; the smallest id of a ring lives again."""
    profile = turn.profile
    if profile.erasure:
        return profile
    if profile.redirect:
        if not _opens_ring(profile, record):
            target = ProfileId(profile.redirect)
            note = MergeIn(record.loser, target, (*record.passed, record.profile), record.state)
            turn.emit("inbox", target, inbox.encode(note))
            return profile
        profile = turn.profile = turn.scope.profile = Profile()
    if record.loser in profile.absorbed:
        return profile
    unite(turn, record.loser, profiles.decode(record.state))
    return turn.profile


def unite(turn: Turn, loser: str, other: Profile) -> None:
    """1 facts, 2 memory, 3 instances: timers as they are, one of each map and key stays,
    4 what the other side remembers satisfies waits, goals and exits, and enters nobody."""
    profile = turn.profile
    mine, theirs, before = list(profile.remembered), list(other.remembered), dict(profile.memory)
    occasions.unite(profile, other)
    _unite_facts(profile, other)  # 1
    _unite_memory(profile, other, loser, turn.id)  # 2
    own, came = profile.instances, other.instances
    _bar(own, other.memory)
    _bar(came, before)
    profile.instances = sorted([*own, *came], key=oldest_first)  # 3
    arms.unite(profile, other)
    credit.unite(profile, other)
    known = turn.release.workspace.computed.values() if turn.release else ()
    profile.parting = [*profile.parting, *other.parting]
    tallies.unite(profile, other, {computed.id: computed for computed in known})
    given = {i.id: theirs for i in own} | {i.id: mine for i in came}
    for kept, gone in _doubles(turn, own, came):
        given[kept.id] = [*given[kept.id], gone.entry, *([gone.last] if gone.last else [])]
        _close(turn, kept, gone)
    if turn.release is not None:
        occasions.renew(turn)
    replan(turn, turn.shard.time)
    edges(turn, turn.shard.log_time, turn.shard.log_time, quiet=True)  # rule 20
    for instance in list(profile.instances):  # 4
        _catch_up(turn, instance, given[instance.id], loser)


def _opens_ring(profile: Profile, record: MergeIn) -> bool:
    passed = record.passed
    if profile.redirect not in passed:
        return False
    ring = (*passed[passed.index(ProfileId(profile.redirect)) :], record.profile)
    return min(ring) == record.profile


def _unite_facts(profile: Profile, other: Profile) -> None:
    created = [x for x in (profile.created, other.created) if x]
    profile.created = min(created, default=0)
    profile.known = profile.known or other.known
    profile.last_seen = max(profile.last_seen, other.last_seen)
    for namespace, values in other.identifiers.items():
        kept = profile.identifiers.get(namespace, [])
        profile.identifiers[namespace] = [*(v for v in values if v not in kept), *kept]
    for name, trait in other.traits.items():
        if name not in profile.traits or trait[1] > profile.traits[name][1]:
            profile.traits[name] = trait
    for name, consent in other.consents.items():
        if name not in profile.consents or consent[1] > profile.consents[name][1]:
            profile.consents[name] = consent
    profile.windows = _latest(profile.windows, other.windows)
    profile.failed = _latest(profile.failed, other.failed)
    profile.filled = list(dict.fromkeys([*profile.filled, *other.filled]))
    places = {place.action: place for place in (*other.places, *profile.places)}
    profile.places = sorted(places.values(), key=lambda place: (place.at, place.action))
    profile.pace = pace.united(profile.pace, other.pace)
    profile.tag_list += [tag for tag in other.tag_list if tag not in profile.tag_list]


def _unite_memory(profile: Profile, other: Profile, loser: str, survivor: str) -> None:
    for where, theirs in other.memory.items():
        mine = profile.memory.get(where, Memory())
        exits = [x for x in (mine.exit, theirs.exit) if x is not None]
        profile.memory[where] = Memory(
            sorted([*mine.entries, *theirs.entries]),
            max(exits, default=None),
            _latest(mine.sent, theirs.sent),
        )
    seen = _latest(profile.seen, other.seen)
    profile.seen = dict(sorted(seen.items(), key=lambda item: (item[1], item[0])))
    known = {(kept.source, kept.id) for kept in profile.remembered}
    more = [kept for kept in other.remembered if (kept.source, kept.id) not in known]
    profile.remembered = sorted([*profile.remembered, *more], key=in_order)
    came = [*other.absorbed] if loser == survivor else [*other.absorbed, loser]
    absorbed = profile.absorbed
    profile.absorbed = [*absorbed, *(one for one in dict.fromkeys(came) if one not in absorbed)]


def _latest(mine: dict[_K, int], theirs: dict[_K, int]) -> dict[_K, int]:
    united = dict(mine)
    for name, time in theirs.items():
        united[name] = max(time, united.get(name, time))
    return united


def _bar(instances: list[Instance], memory: dict[str, Memory]) -> None:
    """What the other side sent while the instance ran is not sent again (`already_sent`)."""
    for instance in instances:
        found = memory.get(memory_key(instance.map, instance.key))
        if found is not None:
            late = [place for place, left in found.sent.items() if left >= instance.entered]
            instance.barred += [place for place in late if place not in instance.barred]


def _doubles(
    turn: Turn, own: list[Instance], came: list[Instance]
) -> list[tuple[Instance, Instance]]:
    """Pairs of the same map and key, the one that stays first, as its `on_merge` says."""
    pairs = []
    for instance in came:
        for twin in own:
            if twin.map == instance.map and twin.key == instance.key and _single(turn, twin):
                older, newer = sorted([twin, instance], key=oldest_first)
                pairs.append((newer, older) if _keeps_latest(turn, twin) else (older, newer))
    return pairs


def _keeps_latest(turn: Turn, instance: Instance) -> bool:
    map_ = turn.map_of(instance)
    return map_ is not None and map_.on_merge == "keep_latest"


def _single(turn: Turn, instance: Instance) -> bool:
    map_ = turn.map_of(instance)
    return map_ is None or map_.reentry.mode != "parallel"


def _close(turn: Turn, kept: Instance, gone: Instance) -> None:
    """The other ends; what it sent is not sent again by the one that stays."""
    kept.barred += [place for place in gone.sent if place not in kept.barred]
    if kept.held_out != gone.held_out:
        kept.contaminated = True
    part(turn, gone, "merged_duplicate", turn.shard.log_time, Cause(kept.id, "merge", kept.id))


def _catch_up(turn: Turn, instance: Instance, given: list[Remembered], loser: str) -> None:
    map_ = turn.map_of(instance)
    if given and map_ is not None and not instance.stuck:
        cause = Cause(instance.id, "merge", f"merge/{loser}")
        guarded(turn, instance, cause, lambda: resume(turn, map_, instance, given))
