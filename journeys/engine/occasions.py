"""When somebody enters a map without a touchpoint: schedules, dates, publications.

Each person carries her next moment of every occasion, and the due index looks at her then, like
at a timer. What is published is announced: a round tells everybody in the shard, and whoever is
looked at before it comes is told then. An occasion counts from the moment it was published, however
late the round comes.
"""

from typing import NamedTuple

from journeys.language.model import Entry, Map, Release
from journeys.language.occasions import Occasion

from . import rounds
from .effects import Announced, Shard
from .ids import share_of
from .local_time import add
from .profile import Profile
from .recurring import next_date, next_scheduled
from .segments import acquaint, announced_as, is_in
from .turn import Turn

Moment = tuple[int, int]
"""The occasion's own moment, and when she is let in by it: later only with `spread`."""


class Next(NamedTuple):
    occasion: Occasion
    at: int
    due: int


def announce(shard: Shard, release: Release | None) -> None:
    """Notes what was published: a round tells people of new occasions and segments."""
    if release is None:
        return
    # With the event clock the latest touchpoint of a shard says nothing of the others.
    now = shard.time if shard.clock == "event" else shard.log_time
    number = shard.announcements + 1
    definitions = {each.id: each.definition for each in release.occasions.values()}
    definitions |= {announced_as(each): "" for each in release.watched}
    found: dict[str, Announced] = {}
    for name, definition in definitions.items():
        known = shard.announced.get(name)
        same = known is not None and known.definition == definition
        found[name] = known if known and same else Announced(definition, number, now)
    if found == shard.announced:
        return
    if any(each.number == number for each in found.values()):
        rounds.begin(shard)
    shard.announced, shard.announcements = found, number


def exists(profile: Profile) -> bool:
    """Whether she was there before the record in hand."""
    return bool(profile.created or profile.known)


def renew(turn: Turn) -> None:
    """Plans what was published since she was planned last, as of its publication.

    What was due before that stays due. Called before anything of a record changes her.
    """
    profile, shard = turn.profile, turn.shard
    if profile.heard >= shard.announcements or not exists(profile):
        return
    new = [each.since for each in shard.announced.values() if each.number > profile.heard]
    if new and profile.created and not 0 < profile.look_again <= max(new):
        acquaint(turn, max(new))  # else what time tells before that acquaints her
    planned: dict[str, Moment] = {}
    for name, occasion in turn.book.occasions.items():
        announced, before = shard.announced[name], profile.occasions.get(name)
        if announced.number <= profile.heard or (before and before[1] <= announced.since):
            moment = before
        else:
            moment = _first(turn, occasion, max(announced.since, profile.created))
        if moment is not None:
            planned[name] = moment
    profile.occasions, profile.heard = planned, shard.announcements
    if profile.let_in:
        profile.let_in = {
            name: at for name, at in profile.let_in.items() if name in turn.book.occasions
        }


def begin(turn: Turn, moment: int) -> None:
    """Plans somebody who has come to be at `moment`: what is past by then was not for her."""
    profile, shard = turn.profile, turn.shard
    if turn.release is None or profile.heard >= shard.announcements:
        return
    after = max(moment, shard.time - turn.book.workspace.grace)
    found = {
        name: _from_the_beginning(turn, occasion, after)
        for name, occasion in turn.book.occasions.items()
    }
    profile.occasions = {name: each for name, each in found.items() if each is not None}
    profile.heard = shard.announcements


def replan(turn: Turn, moment: int) -> None:
    """Her facts changed at `moment`: dates are worked out again.

    What was due by then stays due; a moment that is past enters nobody.
    """
    renew(turn)
    after = max(moment, turn.shard.time - turn.book.workspace.grace)
    planned = dict(turn.profile.occasions)
    for name, occasion in turn.book.occasions.items():
        if occasion.kind == "date" and not _is_due(planned.get(name), moment):
            planned.pop(name, None)
            found = _following(turn, occasion, after, after)
            if found is not None:
                planned[name] = found
    turn.profile.occasions = planned


def next_of(turn: Turn, moment: int) -> Next | None:
    """The earliest of her occasions that is due by `moment`; of several the first entry's."""
    found: Next | None = None
    planned = turn.profile.occasions
    for name, occasion in turn.book.occasions.items():
        at, due = planned.get(name, (0, moment + 1))
        if due <= moment and (found is None or due < found.due):
            found = Next(occasion, at, due)
    return found


def take(turn: Turn, found: Next) -> bool:
    """Plans the next moment of an occasion that is due. False: she was let in by this one before,
    as somebody else who turned out to be her."""
    profile, occasion = turn.profile, found.occasion
    planned = {name: each for name, each in profile.occasions.items() if name != occasion.id}
    following = _following(turn, occasion, found.at, found.due)
    if following is not None:
        planned[occasion.id] = following
    profile.occasions = planned
    return found.at > profile.let_in.get(occasion.id, -1)


def is_wanted(turn: Turn, found: Next) -> bool:
    """Whether she is still where a publication lets people in from."""
    segment = found.occasion.entry.trigger.segment
    if found.occasion.kind != "publication" or segment is None:
        return True
    return is_in(turn, segment, found.due) is not found.occasion.entry.trigger.outside


def unite(profile: Profile, other: Profile) -> None:
    """Of two who are one, before anything else is united: what is pending for either is pending,
    and what let in either has let her in."""
    for name, theirs in other.occasions.items():
        profile.occasions[name] = min(theirs, profile.occasions.get(name, theirs))
    for name, at in other.let_in.items():
        profile.let_in[name] = max(at, profile.let_in.get(name, at))
    heard = [each.heard for each in (profile, other) if exists(each)]
    profile.heard = min(heard, default=profile.heard)


def _is_due(planned: Moment | None, moment: int) -> bool:
    return planned is not None and planned[1] <= moment


def _first(turn: Turn, occasion: Occasion, since: int) -> Moment | None:
    """Of somebody who was there when it was published, at `since`."""
    if occasion.kind != "publication":
        return _following(turn, occasion, since, since)
    found = Next(occasion, since, since)
    return (since, since + _later(turn, occasion, since)) if is_wanted(turn, found) else None


def _from_the_beginning(turn: Turn, occasion: Occasion, after: int) -> Moment | None:
    """Of somebody who came to be at `after`; a publication may be still to come in a past that is
    lived again."""
    since = turn.shard.announced[occasion.id].since
    if occasion.kind != "publication":
        return _following(turn, occasion, max(after, since), max(after, since))
    return (since, since + _later(turn, occasion, since)) if since > after else None


def _following(turn: Turn, occasion: Occasion, at: int, due: int) -> Moment | None:
    """The next moment after one of `at`, at which she was due at `due`."""
    map_, entry = occasion.map, occasion.entry
    if entry.schedule is not None:
        is_workday = turn.book.workspace.is_workday
        found = next_scheduled(entry.schedule, map_.zone, is_workday, at)
        return None if found is None else (found, found + _later(turn, occasion, found))
    return None if entry.date is None else _date(turn, map_, entry, max(at, due))


def _date(turn: Turn, map_: Map, entry: Entry, after: int) -> Moment | None:
    assert entry.date is not None
    zone = turn.zone(map_)
    scope = turn.look_at_facts(map_, after)
    found = next_date(entry.date, entry.date.value.run(scope), zone, after)
    return None if found is None else (found, found)


def _later(turn: Turn, occasion: Occasion, at: int) -> int:
    """How much later she is let in than the first: evenly, and the same each time."""
    spread = occasion.entry.spread
    if spread is None:
        return 0
    length = add(spread, at, occasion.map.zone) - at
    return share_of(length, "spread", occasion.map.name, turn.id)
