"""Why somebody is where she is: her records folded again, and what each did or did not do.

What is said follows from the shard's log alone, by the workers' own fold; only of others in the
shard nothing is looked at.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from journeys.engine.effects import Output, Shard
from journeys.engine.fold import ReleaseOf, fold, tick_time
from journeys.engine.goals import noticed
from journeys.engine.ids import touchpoint_key
from journeys.engine.keys import as_text
from journeys.engine.profile import NEVER, Instance, Profile, decode, gate_of
from journeys.engine.rounds import NOBODY, Visited, next_of
from journeys.engine.steering import may_pass
from journeys.engine.turn import Turn
from journeys.engine.waits import window_end
from journeys.language.drawing import EVERYWHERE, Edge, edges_of
from journeys.language.model import End, Go, Map, To, Trigger
from schemas.inbox import Arrived, Emitted, Forwarded, Logged, Merged, MergeIn, Retried, Tick
from schemas.inbox import recipient as recipient_of
from schemas.touchpoint import Millis, ProfileId, Touchpoint

from .differing import told
from .tally import Row, moment, rows

Shown = Callable[[Any], Any]
"""How a value is shown: masked, or as it is."""


class Step(msgspec.Struct):
    """A record, what it did, and what it could have moved and did not, with the reason.

    `at` is when it happened, `heard` when the log had it, both ms.
    """

    at: int
    heard: int
    what: str
    did: list[str]
    unmoved: list[str]


class Way(msgspec.Struct):
    """What would lead on: in words, and where to; `at` (ms) for a timer that is armed, and for a
    schedule or date that is to come."""

    label: str
    where: str
    at: int | None = None


class Standing(msgspec.Struct):
    """An open instance; `gate` says which actions wait there, and why."""

    map: str
    version: int
    key: Any
    stage: str
    since: int
    ways: list[Way]
    timers: list[Way]
    gate: list[str]
    stuck: str


class Story(msgspec.Struct):
    """`doors` are the ways into published maps that she is not in. `now` is the shard's time."""

    steps: list[Step]
    open: list[Standing]
    doors: dict[str, list[Way]]
    now: int


def explain(
    log: Iterable[Logged],
    her: ProfileId,
    shard: Shard,
    release_of: ReleaseOf,
    shown: Shown,
    only: str | None = None,
) -> Story:
    """Her story by the log of her shard, from `shard` on, which is changed.

    `only` leaves out what concerns no instance of that map.
    """
    reader = _Reader(her, shard, release_of, shown, only)
    steps = [step for logged in log if (step := reader.read(logged)) is not None]
    release, profile = release_of(shard), reader.profile
    instances = profile.instances if profile else []
    if release is None:
        return Story(steps, [], {}, shard.time)
    standing = [
        _standing(release.versions[each.map, each.version], each, shown)
        for each in instances
        if only in (None, each.map) and (each.map, each.version) in release.versions
    ]
    inside = {each.map for each in instances}
    doors = {
        map_.name: list(_doors(map_, profile))
        for map_ in release.live
        if map_.name not in inside and only in (None, map_.name)
    }
    return Story(steps, standing, doors, shard.time)


class _Reader:
    def __init__(
        self, her: ProfileId, shard: Shard, release_of: ReleaseOf, shown: Shown, only: str | None
    ) -> None:
        self._her, self._shard, self._release_of = her, shard, release_of
        self._shown, self._only = shown, only
        self._stored: bytes | None = None
        self._due: Millis | None = None

    @property
    def profile(self) -> Profile | None:
        return None if self._stored is None else decode(self._stored)

    def read(self, logged: Logged) -> Step | None:
        """Folds a record of the shard; None where it is another's, or nothing is to be told."""
        record = logged.record
        if recipient_of(record) not in (None, self._her):
            return None
        before = self.profile if not isinstance(record, Tick) else None
        found = self._fold(logged)
        told_rows = [rows.decode(o.value) for o in found if o.kind == "transitions"]
        return self._step(logged, before, told_rows)

    def _fold(self, logged: Logged) -> list[Output]:
        shard, her = self._shard, self._her
        due: list[tuple[Millis, ProfileId]] = []
        waiting: list[tuple[Millis, ProfileId]] = []
        if isinstance(logged.record, Tick) and self._due is not None:
            if self._due <= tick_time(shard, logged):
                due = [(self._due, her)]
            elif self._stands_at_the_gate():
                waiting = [(self._due, her)]
        visited = self._visited(logged)
        concerned = due or waiting or visited.people or recipient_of(logged.record) is not None
        stored = {her: self._stored} if concerned and self._stored is not None else {}
        effects = fold(shard, [logged], stored, self._release_of, due, waiting, visited)
        if her in effects.profiles:
            self._stored, self._due = effects.profiles[her], effects.due[her]
        return effects.outputs

    def _visited(self, logged: Logged) -> Visited:
        """A round comes to her by its first Tick here; when it does so makes no difference."""
        if not isinstance(logged.record, Tick):
            return NOBODY
        return next_of(self._shard, {} if self._due is None else {self._her: self._due}, 1)

    def _stands_at_the_gate(self) -> bool:
        profile = self.profile
        since = None if profile is None else gate_of(profile)
        return since is not None and may_pass(self._shard, since)

    def _step(self, logged: Logged, before: Profile | None, told_rows: list[Row]) -> Step | None:
        kept = [row for row in told_rows if self._only in (None, row.map)]
        did = [self._sentence(row) for row in kept]
        heard = self._shard.log_time
        match logged.record:
            case Arrived() | Forwarded() | Emitted():
                touchpoint = logged.record.touchpoint
                unmoved = list(self._unmoved(before, touchpoint, told_rows))
                if self._only is not None and not (did or unmoved):
                    return None
                return Step(touchpoint.time, heard, self._said(touchpoint), did, unmoved)
            case MergeIn():
                return Step(heard, heard, f"{logged.record.loser} turns out to be her", did, [])
            case Merged():
                return Step(heard, heard, f"she goes on as {logged.record.survivor}", did, [])
            case Retried():
                return Step(heard, heard, "what was stuck is tried again", did, [])
            case record:
                what = "time" if isinstance(record, Tick) else type(record).__name__.lower()
                return Step(_earliest(kept, heard), heard, what, did, []) if did else None

    def _sentence(self, row: Row) -> str:
        key = "" if row.key is None else f" [{self._shown(row.key)}]"
        return f"{row.map}{key}: {told(row)}"

    def _said(self, touchpoint: Touchpoint) -> str:
        known = {**touchpoint.properties, **touchpoint.traits}
        parts = [f"{name}={self._shown(value)}" for name, value in known.items()]
        parts += [f"{n} consent={'yes' if v else 'no'}" for n, v in touchpoint.consents.items()]
        return f"{touchpoint.type}{' ' if parts else ''}{', '.join(parts)}"

    def _unmoved(
        self, before: Profile | None, touchpoint: Touchpoint, told_rows: list[Row]
    ) -> Iterator[str]:
        release, after = self._release_of(self._shard), self.profile
        if release is None or after is None or after.redirect:
            return
        key = touchpoint_key(touchpoint.source, touchpoint.id)
        if before is not None and key in before.seen:
            yield "it came before: nothing happens twice"
            return
        moved = {row.instance for row in told_rows}
        turn = Turn(self._shard, release, self._her, after, 0, [], [])
        for instance in before.instances if before else ():
            map_ = release.versions.get((instance.map, instance.version))
            if map_ is None or instance.id in moved or self._only not in (None, instance.map):
                continue
            yield from self._why_unmoved(turn, map_, instance, touchpoint)
        yield from self._why_outside(turn, touchpoint, told_rows)

    def _why_unmoved(
        self, turn: Turn, map_: Map, instance: Instance, touchpoint: Touchpoint
    ) -> Iterator[str]:
        key = "" if instance.key is None else f" [{self._shown(instance.key)}]"
        head = f"{map_.name}{key} in {instance.stage}"
        for label, trigger, by_wait in _triggers(map_, instance):
            if touchpoint.type in trigger.events:
                why = self._why_not(turn, map_, instance, trigger, touchpoint, by_wait)
                yield f"{head}, {label}: {why}"

    def _why_not(
        self,
        turn: Turn,
        map_: Map,
        instance: Instance,
        trigger: Trigger,
        touchpoint: Touchpoint,
        by_wait: bool,
    ) -> str:
        """The first reason, in the order in which the engine asks."""
        name = trigger.match.get(touchpoint.type)
        found = None if name is None else as_text(touchpoint.properties.get(name))
        if name is not None and found != instance.key:
            return f"its {name} is {self._shown(found)}, not hers"
        if touchpoint.backfill and by_wait:
            return "it is history, which moves nobody"
        if by_wait and touchpoint.time <= instance.since:
            return "it happened before she came here"
        if by_wait and touchpoint.time > window_end(instance):
            return "it happened after the deadline"
        if not by_wait and touchpoint.time <= instance.entered:
            return "it happened before she entered"
        if trigger.when is not None and not noticed(turn, map_, instance, trigger, touchpoint):
            return f"not so: {trigger.when.source}"
        return "another line took it, or an action stands at the gate"

    def _why_outside(
        self, turn: Turn, touchpoint: Touchpoint, told_rows: list[Row]
    ) -> Iterator[str]:
        """Entries whose condition was false; of a refusal the row tells."""
        told_of = {row.map for row in told_rows}
        for map_, entry in turn.book.entering.get(touchpoint.type, ()):
            if map_.name in told_of or self._only not in (None, map_.name):
                continue
            when = entry.trigger.when
            if when is not None and when.run(turn.look_in(map_, touchpoint)) is not True:
                yield f"{map_.name} does not let her in, not so: {when.source}"
            elif touchpoint.backfill:
                yield f"{map_.name} does not let her in: it is history"


def _triggers(map_: Map, instance: Instance) -> Iterator[tuple[str, Trigger, bool]]:
    """What could lead on from where she is; the last says whether the wait must be open."""
    for goal in map_.goals:
        if goal.name not in instance.goals:
            yield f"goal {goal.name}", goal.trigger, False
    for way_out in map_.exits:
        yield f"exit {way_out.outcome}", way_out.trigger, False
    stage = map_.stages.get(instance.stage)
    for line in (*(stage.on if stage else ()), *map_.anywhere):
        yield f"line {_where(line.go)}", line.trigger, True


def _standing(map_: Map, instance: Instance, shown: Shown) -> Standing:
    edges = [e for e in edges_of(map_) if e.source in (instance.stage, EVERYWHERE)]
    by_time = [edge for edge in edges if edge.by_time]
    timers = [
        Way(by_time[each.index].label, _where(by_time[each.index].target), each.deadline)
        for each in sorted(instance.timers, key=lambda one: one.deadline)
        if each.deadline < NEVER and each.index < len(by_time)
    ]
    gate = [f"{each.place}: {each.why or 'paused'}" for each in instance.gate]
    return Standing(
        map_.name,
        map_.version,
        shown(instance.key),
        instance.stage,
        instance.since,
        [_way(edge) for edge in edges if not edge.by_time],
        timers,
        gate,
        instance.stuck,
    )


def _doors(map_: Map, profile: Profile | None) -> Iterator[Way]:
    """The entries as written; of a schedule or date, when she would be let in by it next."""
    planned = profile.occasions if profile else {}
    for index, edge in enumerate(edge for edge in edges_of(map_) if edge.source is None):
        moments = [due for name, (_, due) in planned.items() if _is_at(name, map_, index)]
        yield Way(edge.label, _where(edge.target), min(moments, default=None))


def _is_at(occasion: str, map_: Map, index: int) -> bool:
    return occasion.startswith(f"{map_.name}/{index}/")


def _way(edge: Edge) -> Way:
    return Way(edge.label, _where(edge.target))


def _where(go: Go | None) -> str:
    match go:
        case To(stage):
            return f"→ {stage}"
        case End(outcome):
            return f"→ end {outcome}"
        case _:
            return "stays"


def _earliest(kept: list[Row], otherwise: int) -> int:
    return min((moment(row.at) for row in kept), default=otherwise)
