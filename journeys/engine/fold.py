"""The fold of one shard: records and stored bytes in, bytes and effects out.

The same bytes come out of the same log in any batching. A profile is decoded once, advanced
through the records of the batch and encoded once; the shard is changed in place.
"""

from collections.abc import Callable, Mapping, Sequence

from journeys.language.model import Release
from schemas.inbox import (
    Archived,
    Arrived,
    Emitted,
    Forget,
    Forgotten,
    Forwarded,
    Held,
    Logged,
    Marked,
    Merged,
    MergeIn,
    Opened,
    Operated,
    Published,
    Recounted,
    Released,
    Retried,
    Stopped,
    Tick,
    recipient,
)
from schemas.touchpoint import Millis, ProfileId

from . import erasing, merging, parting, rounds, versions
from .advance import advance, retry, wake
from .effects import Effects, Output, Shard
from .facts import trim
from .heads import Standing, recount, standing
from .local_time import day_of
from .occasions import announce
from .parting import TokenOf
from .profile import ANONYMOUS_KEPT, NEVER, Profile, decode, due_of, encode, gate_of
from .recounting import came_into_force, recounted
from .rounds import NOBODY, Visited
from .steering import Steering, steer
from .turn import Turn
from .versions import bring_up

Control = Opened | Published | Held | Released | Marked | Stopped | Archived | Steering
ReleaseOf = Callable[[Shard], Release | None]
Indexed = Sequence[tuple[Millis, ProfileId]]


def wanted(records: Sequence[Logged]) -> list[ProfileId]:
    """The profiles these records may change, in first-seen order."""
    found = dict.fromkeys(recipient(logged.record) for logged in records)
    return [profile for profile in found if profile is not None]


def tick_time(shard: Shard, logged: Logged) -> Millis:
    """The shard's time once this Tick is folded: never back, never past the broker's stamp.

    With the event clock the stamp is not looked at.
    """
    record = logged.record
    if not isinstance(record, Tick):
        return shard.time
    until = record.until if shard.clock == "event" else min(record.until, logged.stamp)
    return max(shard.time, until)


def fold(
    shard: Shard,
    records: Sequence[Logged],
    stored: Mapping[ProfileId, bytes],
    release_of: ReleaseOf,
    due: Indexed = (),
    waiting: Indexed = (),
    visited: Visited = NOBODY,
    token_of: TokenOf | None = None,
) -> Effects:
    """Folds the records, in order, into the shard and the profiles stored.

    A Tick may only be the first record; it wakes `due`, then `waiting`, then those `visited` by a
    round, whose profiles `stored` holds as well as those `wanted` names. Without `token_of`,
    identifiers that leave a profile stay. Raises nothing for a person's or a designer's sake.
    """
    folding = Folding(shard, stored, release_of, token_of)
    for logged in records:
        folding.apply(logged, due, waiting, visited)
    return folding.effects()


class Folding:
    """The profiles in hand while records are folded. None: she is not, or no longer, stored.

    `fold` is this over one batch. Who folds whole lives keeps one and asks for the moments at
    which to apply the next Tick, with those who are due then.
    """

    def __init__(
        self,
        shard: Shard,
        stored: Mapping[ProfileId, bytes],
        release_of: ReleaseOf,
        token_of: TokenOf | None = None,
    ) -> None:
        self._shard, self._stored, self._release_of = shard, stored, release_of
        self._token_of = token_of
        self._release = release_of(shard)
        self._hand: dict[ProfileId, Profile | None] = {}
        self._graces: dict[ProfileId, int] = {}
        self._stood: dict[ProfileId, Standing] = {}
        self._effects = Effects()

    def apply(
        self, logged: Logged, due: Indexed, waiting: Indexed, visited: Visited = NOBODY
    ) -> None:
        """One record, one step."""
        shard, record = self._shard, logged.record
        _move_log_time(shard, logged)
        match record:
            case Arrived() | Forwarded() | Emitted():
                self._touch(record, logged.offset)
            case Tick():
                shard.time = tick_time(shard, logged)
                for source, mark in record.marks.items():
                    _mark(shard, source, mark)
                for _, profile in (*due, *waiting, *visited.people):
                    self._wake(profile, logged.offset)
                rounds.move_on(shard, visited)
            case Merged() | MergeIn():
                self._merge(record, logged.offset)
            case Retried() | Recounted():
                self._address(record, logged.offset)
            case Operated() | Forget() | Forgotten():
                self._operate(record, logged.offset)
            case _:
                self._control(record, logged.offset)

    def effects(self) -> Effects:
        """All that was changed, indexed by the grace in force when it was."""
        effects = self._effects
        self._recount()
        for name, profile in self._hand.items():
            if profile is None:
                effects.profiles[name] = effects.due[name] = effects.gate[name] = None
            else:
                effects.profiles[name] = encode(profile)
                effects.due[name] = due_of(profile, self._graces.get(name, 0))
                effects.gate[name] = gate_of(profile)
        return effects

    @property
    def outputs(self) -> list[Output]:
        """All that came out so far, in order."""
        return self._effects.outputs

    def profile(self, name: ProfileId) -> Profile | None:
        """Hers, if it is in hand."""
        return self._hand.get(name)

    def people(self) -> Mapping[ProfileId, Profile | None]:
        """All in hand."""
        return self._hand

    def next_due(self) -> tuple[Millis, ProfileId] | None:
        """Who of those in hand is to be looked at first, and when; None for nobody, ever."""
        found: tuple[Millis, ProfileId] | None = None
        for name, profile in self._hand.items():
            if profile is not None:
                due = due_of(profile, self._graces.get(name, 0))
                if due < NEVER and (found is None or (due, name) < found):
                    found = due, name
        return found

    def _touch(self, record: Arrived | Forwarded | Emitted, offset: int) -> None:
        name = record.profile
        turn = self._turn(name, offset, self._live(name) or Profile())
        if isinstance(record, Emitted):
            turn.hops = record.hops
        else:
            turn.links = record.links
        if turn.profile.redirect:
            if not turn.profile.erasure:
                merging.forward(turn, record.touchpoint)
        else:
            advance(turn, record.touchpoint)
        self._done(turn)

    def _wake(self, name: ProfileId, offset: int) -> None:
        profile = self._live(name)
        if profile is None:
            self._hand[name] = None
        elif not profile.redirect:
            turn = self._turn(name, offset, profile)
            if profile.parting:
                parting.part(turn, self._token_of)
            wake(turn)
            trim(turn)
            self._done(turn)
        elif profile.erasure:
            turn = self._turn(name, offset, profile)
            kept = erasing.wake(turn, profile.erasure)
            self._done(turn)
            self._hand[name] = kept

    def _merge(self, record: Merged | MergeIn, offset: int) -> None:
        name = record.loser if isinstance(record, Merged) else record.profile
        turn = self._turn(name, offset, self._live(name) or Profile())
        if not turn.profile.redirect:
            wake(turn)
        if isinstance(record, MergeIn):
            turn.profile = merging.merge_in(turn, record)
        elif not turn.profile.redirect:
            turn.profile = merging.merge(turn, record)
        self._done(turn)

    def _address(self, record: Retried | Recounted, offset: int) -> None:
        """What is for a person who is there, and makes nobody."""
        profile = self._live(record.profile)
        if profile is None or (profile.redirect and isinstance(record, Retried)):
            return
        turn = self._turn(record.profile, offset, profile)
        if isinstance(record, Retried):
            retry(turn)
        else:
            recounted(turn, record)
        self._done(turn)

    def _operate(self, record: Operated | Forget | Forgotten, offset: int) -> None:
        name = record.profile
        turn = self._turn(name, offset, self._live(name) or Profile())
        match record:
            case Forget():
                turn.profile = erasing.forget(turn, record)
            case Forgotten():
                erasing.forgotten(turn, record)
            case Operated(kind="erase"):
                turn.profile = erasing.erase(turn, record)
            case _ if turn.profile.redirect:
                merging.pass_on(turn, record)
            case _:
                parting.leave(turn, record, self._token_of)
        if turn.profile.redirect or self._hand[name] is not None:
            self._done(turn)

    def _control(self, record: Control, offset: int) -> None:
        shard = self._shard
        match record:
            case Opened():
                shard.clock, shard.fold_version = record.clock, record.fold_version
            case Published():
                self._publish(record, offset)
            case Stopped():
                versions.stop(shard, record.map, shard.known.get(record.map, ()))
            case Archived():
                self._archive(record)
            case Held() | Released():
                _shut_or_open(shard, record)
            case Marked():
                _mark(shard, record.source, record.upto)
            case _:
                steer(shard, record)

    def _publish(self, record: Published, offset: int) -> None:
        shard = self._shard
        before = self._release
        shard.settings, shard.maps = record.settings, dict(record.maps)
        shard.known = _with_versions(shard.known, record.maps)
        shard.texts = dict(record.texts)
        self._release = self._release_of(shard)
        versions.published(shard, before, self._release)
        announce(shard, self._release)
        computed = self._release.workspace.computed if self._release else {}
        came_into_force(shard, {each.id for each in computed.values()}, offset)

    def _archive(self, record: Archived) -> None:
        self._recount()
        versions.archive(self._shard, record.map)
        self._release = self._release_of(self._shard)
        announce(self._shard, self._release)

    def _live(self, name: ProfileId) -> Profile | None:
        """The profile as of now; an anonymous one whose time is over is forgotten."""
        if name not in self._hand:
            stored = self._stored.get(name)
            self._hand[name] = None if stored is None else decode(stored)
            self._stood[name] = standing(self._hand[name])
        profile = self._hand[name]
        if profile is not None and _is_over(profile, self._shard):
            self._hand[name] = profile = None
        return profile

    def _turn(self, name: ProfileId, offset: int, profile: Profile) -> Turn:
        return Turn(self._shard, self._release, name, profile, offset, self._effects.outputs, [])

    def _recount(self) -> None:
        """The people who stand somewhere, as of now."""
        for name, before in self._stood.items():
            now = standing(self._hand[name])
            recount(self._shard, before, now)
            self._stood[name] = now

    def _done(self, turn: Turn) -> None:
        bring_up(turn)
        self._hand[turn.id] = turn.profile
        self._graces[turn.id] = self._release.workspace.grace if self._release else 0
        if turn.edges:
            day, counts = day_of(self._shard.log_time), self._effects.counts
            for edge in turn.edges:
                counts[day, edge] += 1


def _shut_or_open(shard: Shard, record: Held | Released) -> None:
    if isinstance(record, Held):
        shard.held_since = shard.held_since if shard.held else shard.log_time
        shard.held, shard.held_for = True, record.reason
    else:
        shard.held, shard.held_since, shard.held_for = False, Millis(0), ""


def _mark(shard: Shard, source: str, upto: Millis) -> None:
    shard.marks[source] = max(upto, shard.marks.get(source, upto))


def _move_log_time(shard: Shard, logged: Logged) -> None:
    """The largest broker's stamp; with the event clock the largest event time."""
    if shard.clock != "event" and not isinstance(logged.record, Opened):
        shard.log_time = max(shard.log_time, logged.stamp)
        return
    match logged.record:
        case Arrived() | Forwarded() | Emitted():
            shard.log_time = max(shard.log_time, logged.record.touchpoint.time)
        case Tick():
            shard.log_time = max(shard.log_time, logged.record.until)
        case _:
            pass


def _with_versions(known: Mapping[str, list[int]], live: Mapping[str, int]) -> dict[str, list[int]]:
    """Every version of each map so far: people stay in the version they entered."""
    names = dict.fromkeys((*known, *live))
    return {
        name: list(dict.fromkeys([*known.get(name, ()), *([live[name]] if name in live else ())]))
        for name in names
    }


def _is_over(profile: Profile, shard: Shard) -> bool:
    if profile.redirect:
        return not profile.erasure and 0 < profile.look_again <= shard.time
    return (
        not (profile.known or profile.instances)
        and profile.last_seen + ANONYMOUS_KEPT <= shard.time
    )
