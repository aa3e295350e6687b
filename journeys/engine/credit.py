"""Whom a goal is credited to, and what is remembered of an instance that ended (rule 19)."""

import msgspec

from journeys.language.model import Duration, Map, Task, doings

from .local_time import add, subtract
from .profile import Ended, Instance, Profile
from .turn import Turn

ENDED_AT_MOST = 10
"""Ended instances a profile remembers; the one that ended first goes first."""

NOBODY = "none"


def credited(
    turn: Turn, map_: Map, instance: Instance, moment: int, within: Duration | None
) -> str:
    """The last message or finished task that left before `moment`, and not too long before.

    Its template or task; `none` where nothing did.
    """
    zone = turn.zone(map_)
    earliest = subtract(within or turn.book.workspace.credit, moment, zone)
    found = [(left, place) for place, left in instance.sent.items() if earliest <= left < moment]
    names = _names(map_, instance)
    for _, place in sorted(found, reverse=True):
        if place in names:
            return names[place]
    return NOBODY


def carried(older: Map, newer: Map, instance: Instance) -> None:
    """Her instance goes over to another version: what left keeps the name it left under.

    Where a place means something else now, it stands under the name itself, after a `=`.
    """
    was, is_ = _names(older, instance), _names(newer, instance)
    instance.sent = {
        place if was.get(place) == is_.get(place) else _under_its_name(was, place): left
        for place, left in instance.sent.items()
    }


def remember_end(turn: Turn, map_: Map, instance: Instance, when: int, outcome: str) -> None:
    """Keeps what a goal after the end has to know, as long as it may be credited."""
    if not map_.goals:
        return
    kept = msgspec.structs.replace(
        instance,
        timers=[],
        gate=[],
        then=None,
        barred=[],
        missed=[],
        behind=[],
        taken=[],
        settling=None,
        actions=[msgspec.structs.replace(sent, standing=None) for sent in instance.actions],
    )
    profile = turn.profile
    profile.ended = [*profile.ended, Ended(kept, when, outcome)][-ENDED_AT_MOST:]


def forget_ended(turn: Turn) -> None:
    """Those whose time is over, by log time."""
    profile = turn.profile
    if profile.ended:
        profile.ended = [one for one in profile.ended if not _is_over(turn, one)]


def unite(profile: Profile, other: Profile) -> None:
    """What either side remembers of ended instances."""
    both = [*profile.ended, *other.ended]
    profile.ended = sorted(both, key=lambda one: (one.at, one.instance.id))[-ENDED_AT_MOST:]


def _is_over(turn: Turn, one: Ended) -> bool:
    map_ = turn.map_of(one.instance)
    if map_ is None:
        return True
    waits = [goal.credit or turn.book.workspace.credit for goal in map_.goals]
    zone = turn.zone(map_)
    return max(add(wait, one.at, zone) for wait in waits) < turn.shard.log_time


def _under_its_name(names: dict[str, str], place: str) -> str:
    return f"={names[place]}" if place in names else place


def _names(map_: Map, instance: Instance) -> dict[str, str]:
    """Place -> template, or task where it is finished."""
    done = {sent.place for sent in instance.actions if sent.state == "done"}
    names = {place: place[1:] for place in instance.sent if place.startswith("=")}
    for item in doings(map_):
        if item.place not in instance.sent:
            continue
        if isinstance(item, Task):
            names |= {item.place: item.task} if item.place in done else {}
        else:
            names[item.place] = getattr(item, "template", NOBODY)
    return names
