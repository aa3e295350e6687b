"""Caps and limits (rule 13): how often anything may leave for one person within a window.

An action that leaves takes a place, which stays with the profile and is given back if it comes to
nothing. A window reaches back from log time: a place counts until `per` after its action left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from journeys.language.model import Cap, Duration, Map, Send

from .local_time import add
from .profile import Instance, Place, Profile, Standing
from .turn import Turn

ARBITRATION = "arbitration"
"""Why an action stands that waits for others."""

PLACES_KEPT = 200
"""Places one profile remembers, the newest; a cap counts no more than that."""


@dataclass(frozen=True, slots=True)
class Full:
    """No place is free before `until`; `by` is the map that took the last one."""

    until: int
    by: str


def full(turn: Turn, map_: Map, item: Send, standing: Standing, channel: str) -> Full | None:
    """Whether a cap of the workspace keeps the action from leaving by this channel."""
    found = None
    for cap in turn.book.workspace.caps:
        store = store_of(turn.profile, standing)
        if not _concerns(cap, item, channel) or (cap.of == "store" and not store):
            continue
        counted = (place for place in turn.profile.places if _counts(cap, place, map_, store))
        found = _later(found, _window(turn, map_, counted, cap.limit, cap.per))
    return found


def waits_for_others(
    turn: Turn, map_: Map, item: Send, standing: Standing, channel: str
) -> int | None:
    """Until when the action waits for others that need the place it could take; None: no more.

    The first one opens a window of the cap, at whose end the places go by priority.
    """
    if standing.why == ARBITRATION:
        return None
    for cap in turn.book.workspace.caps:
        if cap.arbitration is None or not _concerns(cap, item, channel):
            continue
        name = _window_name(turn.profile, cap, map_, standing)
        now, until = turn.shard.log_time, turn.profile.windows.get(name, 0)
        if until <= now:
            until = add(cap.arbitration, now, turn.zone(map_))
            others = {each: end for each, end in turn.profile.windows.items() if end > now}
            turn.profile.windows = {**others, name: until}
        return until
    return None


def over_limit(turn: Turn, map_: Map, item: Send) -> Full | None:
    """Whether she had the template as often as the send allows, from any map."""
    if item.limit is None:
        return None
    counted = (place for place in turn.profile.places if place.template == item.template)
    return _window(turn, map_, counted, item.limit.count, item.limit.per)


def take_place(
    turn: Turn, instance: Instance, item: Send, standing: Standing, channel: str
) -> None:
    """The action leaves; nothing is remembered where nothing is capped."""
    kept_for = turn.book.places_kept
    if not kept_for:
        return
    now = turn.shard.log_time
    kept = [place for place in turn.profile.places if place.at > now - kept_for]
    store, marketing = store_of(turn.profile, standing), item.class_ == "marketing"
    place = Place(now, instance.map, channel, item.template, standing.id, store, marketing)
    turn.profile.places = [*kept, place][-PLACES_KEPT:]


def give_back(profile: Profile, action: str) -> None:
    """The action came to nothing: its place is free."""
    profile.places = [place for place in profile.places if place.action != action]


def store_of(profile: Profile, standing: Standing) -> str:
    """On whose behalf: the send's `store`, else her own; empty if there is neither."""
    own = profile.trait("store")
    return standing.store or (own if isinstance(own, str) else "")


def _concerns(cap: Cap, item: Send, channel: str) -> bool:
    return cap.class_ == item.class_ and cap.channel in ("", channel)


def _window_name(profile: Profile, cap: Cap, map_: Map, standing: Standing) -> str:
    whose = {"store": store_of(profile, standing), "map": map_.name, "person": ""}[cap.of]
    return f"{cap.class_}/{cap.channel}/{cap.of}/{whose}"


def _counts(cap: Cap, place: Place, map_: Map, store: str) -> bool:
    if place.marketing != (cap.class_ == "marketing") or cap.channel not in ("", place.channel):
        return False
    match cap.of:
        case "store":
            return place.store == store
        case "map":
            return place.map == map_.name
        case "person":
            return True


def _window(
    turn: Turn, map_: Map, counted: Iterable[Place], limit: int, per: Duration
) -> Full | None:
    now, zone = turn.shard.log_time, turn.zone(map_)
    taken = [(_free(place, per, zone), place.map) for place in counted]
    taken = [(free, by) for free, by in taken if free > now]
    if len(taken) < limit:
        return None
    return Full(sorted(free for free, _ in taken)[len(taken) - limit], taken[-1][1])


def _free(place: Place, per: Duration, zone: ZoneInfo) -> int:
    return add(per, place.at, zone)


def _later(one: Full | None, other: Full | None) -> Full | None:
    """Of several full caps the one that is full longest."""
    if one is None or other is None:
        return one or other
    return other if other.until > one.until else one
