"""A shard on a virtual clock: the workers' own fold, and Ticks as a shard's owner appends them.

Time passes only by `pass_until`. Nothing here decides anything: what is due, and whom a Tick
wakes, is what the fold's effects say.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeVar

from journeys.engine.effects import FOLD_VERSION, Output, Shard
from journeys.engine.fold import fold, tick_time, wanted
from journeys.engine.profile import NEVER, Profile, decode, encode
from journeys.engine.rounds import NOBODY, begin, next_of
from journeys.engine.steering import may_pass
from journeys.language.model import Release
from schemas import inbox
from schemas.inbox import InboxRecord, Logged, Opened, Tick
from schemas.touchpoint import Millis, ProfileId

_V = TypeVar("_V")

TICKS_AT_MOST = 200_000
"""Of one wait; whoever needs more is in a loop that the engine ends more slowly than time."""


@dataclass
class Life:
    """`outputs` has all that came out so far, in order; of it `inbox` is delivered at once."""

    release_of: Callable[[Shard], Release | None]
    clock: str
    shard: Shard = field(default_factory=lambda: Shard(0, 1))
    stored: dict[ProfileId, bytes] = field(default_factory=dict)
    due: dict[ProfileId, Millis] = field(default_factory=dict)
    gate: dict[ProfileId, Millis] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    offset: int = 0
    never_late: frozenset[str] = frozenset()
    """Sources of which each Tick says that they have told of all."""

    def open(self) -> None:
        """The first record of every shard."""
        self.append(Opened(self.clock, FOLD_VERSION), Millis(0))

    def append(self, record: InboxRecord, stamp: Millis) -> list[Output]:
        """Folds one record, then what it sent to other profiles; returns what came out.

        The round of a publication or a stop is over at once.
        """
        came = self._fold(Logged(self.offset, stamp, record))
        self.offset += 1
        while self.shard.round is not None and not isinstance(record, Tick):
            came += self._tick(max(stamp, self.shard.time))
        for output in [each for each in came if each.kind == "inbox"]:
            came += self.append(inbox.decode(output.value), stamp)
        return came

    def pass_until(self, moment: Millis) -> list[Output]:
        """Ticks at each due moment up to this one, then at it; returns what came out."""
        came: list[Output] = []
        for _ in range(TICKS_AT_MOST):
            before, first = self._state(), self.next_due()
            if first is None or first > moment:
                break
            came += self._tick(max(first, self.shard.time))
            if self._state() == before:
                break
        return came + self._tick(max(moment, self.shard.time))

    def next_due(self) -> Millis | None:
        """When the next Tick would do something; None if nothing is planned.

        The end of an anonymous profile's time is none: a story is not about forgetting.
        """
        found = [at for name, at in self.due.items() if at < NEVER and self._has_plans(name)]
        standing = [at for at in self.gate.values() if may_pass(self.shard, at)]
        found += [max(at, self.shard.time) if at < NEVER else self.shard.time for at in standing]
        return min(found, default=None)

    def person(self, name: ProfileId) -> Profile | None:
        """Her profile, where she went after merges; None for nobody."""
        stored = self.stored.get(name)
        if stored is None:
            return None
        found = decode(stored)
        return self.person(ProfileId(found.redirect)) if found.redirect else found

    def people(self) -> dict[ProfileId, Profile]:
        """Everybody but redirects."""
        found = {name: decode(stored) for name, stored in self.stored.items()}
        return {name: each for name, each in found.items() if not each.redirect}

    def put(self, name: ProfileId, profile: Profile) -> None:
        """Somebody as she was stored before the story; a round tells her of what is published."""
        begin(self.shard)
        self.stored[name], self.due[name] = encode(profile), NEVER

    def fork(self) -> "Life":
        """Another life with the same past."""
        outputs = list(self.outputs)
        shard, stored, due, gate = deepcopy((self.shard, self.stored, self.due, self.gate))
        past = (shard, stored, due, gate, outputs, self.offset, self.never_late)
        return Life(self.release_of, self.clock, *past)

    def _state(self) -> tuple[object, ...]:
        return self.shard.time, self.next_due(), len(self.outputs), dict(self.stored)

    def _has_plans(self, name: ProfileId) -> bool:
        profile = decode(self.stored[name])
        return profile.known or bool(profile.instances or profile.occasions)

    def _tick(self, moment: Millis) -> list[Output]:
        return self.append(Tick(moment, dict.fromkeys(self.never_late, moment)), moment)

    def _fold(self, logged: Logged) -> list[Output]:
        due, waiting = self._called(logged)
        visited = next_of(self.shard, self.due, len(self.due)) if _is_tick(logged) else NOBODY
        called = (*due, *waiting, *visited.people)
        names = dict.fromkeys([*wanted([logged]), *(name for _, name in called)])
        stored = {name: self.stored[name] for name in names if name in self.stored}
        effects = fold(self.shard, [logged], stored, self.release_of, due, waiting, visited)
        _overwrite(self.stored, effects.profiles)
        _overwrite(self.due, effects.due)
        _overwrite(self.gate, effects.gate)
        self.outputs += effects.outputs
        return list(effects.outputs)

    def _called(self, logged: Logged) -> tuple[list[tuple[Millis, ProfileId]], ...]:
        """Whom a Tick wakes: those due by then, and those at an open gate."""
        if not _is_tick(logged):
            return [], []
        until = tick_time(self.shard, logged)
        due = sorted((at, name) for name, at in self.due.items() if at <= until)
        gate = sorted((at, name) for name, at in self.gate.items() if may_pass(self.shard, at))
        return due, gate


def _is_tick(logged: Logged) -> bool:
    return isinstance(logged.record, Tick)


def _overwrite(index: dict[ProfileId, _V], changed: dict[ProfileId, _V | None]) -> None:
    for name, value in changed.items():
        if value is None:
            index.pop(name, None)
        else:
            index[name] = value
