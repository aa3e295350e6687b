"""A map and its workspace as compiled: frozen, shared by all instances, read by the engine.

Nothing here comes from YAML directly: the compiler has resolved names, types and defaults, so
the engine never checks a designer's work again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

# The model is one module to those who read it; its parts are apart so that no file is too long.
from .computing import Computed, Segment
from .contracts import EventContract
from .occasions import Dates, Occasion, Schedule, occasions_of
from .parts import START_KEY as START_KEY  # noqa: PLC0414
from .parts import Arm as Arm  # noqa: PLC0414
from .parts import Change as Change  # noqa: PLC0414
from .parts import Choice as Choice  # noqa: PLC0414
from .parts import Duration as Duration  # noqa: PLC0414
from .parts import Emit as Emit  # noqa: PLC0414
from .parts import End as End  # noqa: PLC0414
from .parts import Expression as Expression  # noqa: PLC0414
from .parts import Go as Go  # noqa: PLC0414
from .parts import Holdout as Holdout  # noqa: PLC0414
from .parts import Limit as Limit  # noqa: PLC0414
from .parts import OnPublish as OnPublish  # noqa: PLC0414
from .parts import Rate as Rate  # noqa: PLC0414
from .parts import Start as Start  # noqa: PLC0414
from .parts import To as To  # noqa: PLC0414
from .scope import Scope
from .workspace_parts import Cap as Cap  # noqa: PLC0414
from .workspace_parts import Channel as Channel  # noqa: PLC0414
from .workspace_parts import Param as Param  # noqa: PLC0414
from .workspace_parts import QuietHours as QuietHours  # noqa: PLC0414
from .workspace_parts import Source as Source  # noqa: PLC0414
from .workspace_parts import Store as Store  # noqa: PLC0414
from .workspace_parts import Template as Template  # noqa: PLC0414

WEEK = Duration("7d", days=7)

Policy = Literal["skip", "hold", "other_channel"] | To | End
"""What becomes of a send that may not leave as it is; To and End: it is withheld, she goes on."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """What is noticed: one of these event types, and `when`, if there is one, is true.

    `match` (rule 1): `any` concerns every instance of the person, a text is the property that
    must equal the instance's key, None concerns all because the map has no key.
    """

    events: tuple[str, ...]
    when: Expression | None = None
    match: Mapping[str, str | None] = field(default_factory=dict)
    """Event type -> property compared with the key; None: no comparison."""
    action: bool = False
    """Whether a result of an action of the instance is noticed (rule 16)."""
    of: str = ""
    """The template or task it must be of; empty: any of this stage visit."""
    place: str = ""
    """The place its send or task must have; empty: any."""
    segment: Segment | None = None
    """It is noticed that she is in this segment, or is not where `outside` is true."""
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """`request`: she enters where she is asked to (`wayline start`, `start:` in another map); the
    request's own key counts where `key` is None and the map has one. `existing` lets in those who
    are in its segment when the map is published; `spread` each person so much later at most.
    """

    trigger: Trigger
    key: Expression | None
    max_age: Duration
    request: bool = False
    schedule: Schedule | None = None
    date: Dates | None = None
    existing: bool = False
    spread: Duration | None = None


@dataclass(frozen=True, slots=True)
class Reentry:
    """Rule 2. `cooldown_from` says whether the cooldown runs from the exit or from the entry."""

    mode: Literal["never", "after_exit", "parallel"] = "after_exit"
    cooldown: Duration | None = None
    cooldown_from: Literal["exit", "entry"] = "exit"
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """`then` is None for `stay`, an End named like the goal for `exit`, or a To."""

    name: str
    trigger: Trigger
    value: Expression | None
    then: Go | None
    credit: Duration | None = None
    """How long before it a message may have left that brought it about; None: the workspace's."""


@dataclass(frozen=True, slots=True)
class Exit:
    trigger: Trigger
    outcome: str


@dataclass(frozen=True, slots=True)
class Send:
    """`place` is its position in the map (`remind/do/0`), part of every action id it causes.

    `channels` are in order of preference, a purpose already replaced by its ranking at the
    moment of the action (`purpose` set) or given outright (`channels` set).
    """

    place: str
    template: str
    channels: tuple[str, ...]
    purpose: str | None
    values: Mapping[str, Expression]
    class_: Literal["marketing", "transactional"]
    expires_after: Duration | None = None
    on_quiet: Policy = "hold"
    on_unreachable: Policy = "skip"
    on_capped: Policy = "skip"
    on_failed: Policy = "skip"
    limit: Limit | None = None
    """This template to this person, whichever maps send it."""
    store: Expression | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """Something a person does; what becomes of it comes back, or it is `expired` after `sla`."""

    place: str
    task: str
    values: Mapping[str, Expression]
    sla: Duration
    role: str = ""
    store: Expression | None = None
    assign: Expression | None = None
    class_: Literal["marketing", "transactional"] = "transactional"
    expires_after: Duration | None = None


Do = Send | Task | Change | Emit | Start


@dataclass(frozen=True, slots=True)
class Line:
    """One `on` line. A `do` runs before `go`; without `go` and `restart` she stays."""

    trigger: Trigger
    do: tuple[Do, ...] = ()
    go: Go | None = None
    restart: bool = False
    lookback: Duration | None = None
    """How long before the arrival a touchpoint may have happened and still count (rule 3)."""


@dataclass(frozen=True, slots=True)
class Timer:
    """`wait` and `at` as in the language page, 2.4: `at` alone is the next such time.

    `max` bounds what `restart_timer` lines may reach, counted from the arrival. `days` are names
    of weekdays and `workday`, none for any day. With `until` its value says the moment, moved by
    `shift`, and `on_past` what happens when that is past or null.
    """

    wait: Duration | None
    at: time | None = None
    max: Duration | None = None
    do: tuple[Do, ...] = ()
    go: Go | None = None
    days: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    """Event types on whose absence it decides: it waits for late sources of these (rule 8)."""
    until: Expression | None = None
    shift: Duration | None = None
    on_past: Literal["go", "skip"] | Go | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """Rule 14. `arms` as written, with a total weight above 0; names are unique in a map."""

    name: str
    salt: str
    by: Literal["person", "key"]
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Await:
    """A stage that waits for a result of the last action of its `do`, at this place.

    The lines and the timer this means are among the stage's own, the last of them.
    """

    place: str
    result: str
    go: Go
    other: Go
    """Where she goes at once if the action did not leave."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Rests (`on`, `after`), chooses, splits or passes on (`go`): exactly one of the four."""

    name: str
    title: str
    do: tuple[Do, ...] = ()
    on: tuple[Line, ...] = ()
    after: tuple[Timer, ...] = ()
    choose: tuple[Choice, ...] = ()
    go: Go | None = None
    split: Split | None = None
    settle: Duration | None = None
    """How long a line that leads on waits for an earlier touchpoint (rule 3), by log time."""
    awaits: Await | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """One version of one journey.

    `remembers` has every event type that a trigger of this map names, and the properties of it
    that some condition may read later: what a profile keeps of a touchpoint. `digest` is of its
    text and never used as identity; `structure` of what may not change without a new version.
    """

    name: str
    version: int
    title: str
    zone: ZoneInfo
    priority: int
    enter: tuple[Entry, ...]
    reentry: Reentry
    goals: tuple[Goal, ...]
    exits: tuple[Exit, ...]
    stages: Mapping[str, Stage]
    first: str
    remembers: Mapping[str, frozenset[str]]
    digest: str
    has_key: bool = False
    asks: frozenset[str] = frozenset()
    """What some condition reads of a request's `with`: all that an instance keeps of it."""
    watches: tuple[Segment, ...] = ()
    """The segments that its triggers name, or are."""
    looks_back: bool = False
    """Whether some line has a `lookback`."""
    anywhere: tuple[Line, ...] = ()
    holdout: Holdout | None = None
    on_merge: Literal["keep_oldest", "keep_latest"] = "keep_oldest"
    tracks: bool = False
    """Whether something here looks at what becomes of actions."""
    on_publish: OnPublish | None = None
    """None: people stay in the version they entered."""
    structure: str = ""


@dataclass(frozen=True, slots=True)
class Workspace:
    """`wayline.yaml`, catalogue and templates of one release. Durations in ms."""

    name: str
    zone: ZoneInfo
    clock: Literal["wall", "event"]
    grace: int
    memory_for: int
    memory_at_most: int
    channels: Mapping[str, Channel]
    purposes: Mapping[str, tuple[str, ...]]
    templates: Mapping[str, Template]
    sources: Mapping[str, Source]
    events: Mapping[str, Mapping[str, str]]
    """Event type -> property -> type, from the catalogue; empty where nothing is declared."""
    digest: str
    identity: Mapping[str, Any] = field(default_factory=dict)
    is_workday: Callable[[date], bool] | None = None
    """By the workspace's `calendar`; None where it has none."""
    traits: Mapping[str, str] | None = None
    """Trait -> type, from the catalogue; None where it declares none and any name will do."""
    computed: Mapping[str, Computed] = field(default_factory=dict)
    figures: Mapping[str, Callable[[Scope], Any]] = field(default_factory=dict)
    """Computed trait -> what reads it."""
    unique: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Event type -> the properties that name a fact: under two ids it counts once."""
    credit: Duration = WEEK
    segments: Mapping[str, Segment] = field(default_factory=dict)
    contracts: Mapping[str, EventContract] = field(default_factory=dict)
    """Event type -> what stitch demands of its properties."""
    quiet_hours: tuple[QuietHours, ...] = ()
    caps: tuple[Cap, ...] = ()
    holdout: Holdout | None = None
    """Of all maps together."""
    rate: Rate | None = None
    stores: Mapping[str, Store] = field(default_factory=dict)
    hold_time_at_most: int = 0
    """How long a silent source with a backlog holds time back; 0: as the worker is told."""

    @property
    def late(self) -> dict[str, Source]:
        """The sources whose touchpoints may come late."""
        return {name: source for name, source in self.sources.items() if source.lateness}


@dataclass(frozen=True)
class Release:
    """What is in force in a shard: live maps, and every pinned version people are still in.

    `entering` and `noticing` index the live maps and all versions by event type, so that a
    touchpoint costs only the maps that name its type.
    """

    workspace: Workspace
    live: tuple[Map, ...]
    """By priority (higher first), then name: the order of entries."""
    versions: Mapping[tuple[str, int], Map]
    entering: Mapping[str, tuple[tuple[Map, Entry], ...]]
    noticing: frozenset[tuple[str, int, str]]
    """(map, version, event type) triples in which some goal, exit or line names the type."""
    remembers: Mapping[str, frozenset[str]]
    """Union over all versions: what a profile keeps of a touchpoint of that type."""

    @cached_property
    def tallying(self) -> Mapping[str, tuple[Computed, ...]]:
        """Event type -> the computed traits that count it; empty text for any other type."""
        found: dict[str, list[Computed]] = {}
        every = [c for c in self.workspace.computed.values() if c.how != "formula"]
        types = {type_ for computed in every for type_ in computed.of or ()}
        for type_ in (*sorted(types), ""):
            found[type_] = [c for c in every if c.of is None or type_ in c.of]
        return {type_: tuple(each) for type_, each in found.items() if each}

    @cached_property
    def watched(self) -> tuple[Segment, ...]:
        """The segments that some trigger waits for, in one order."""
        found = {each.id: each for map_ in self.versions.values() for each in map_.watches}
        return tuple(found[name] for name in sorted(found))

    @cached_property
    def occasions(self) -> Mapping[str, Occasion]:
        """Of the live maps, by id, in the order of entries."""
        return occasions_of(self.live)

    @cached_property
    def planning(self) -> frozenset[tuple[str, int]]:
        """Maps and versions in which a value says when a timer is due."""
        return frozenset(
            where
            for where, each in self.versions.items()
            if any(timer.until for stage in each.stages.values() for timer in stage.after)
        )

    @cached_property
    def places_kept(self) -> int:
        """How long the longest window of a cap or a limit can be, in ms; 0 if there is none."""
        sends = (
            item
            for each in self.versions.values()
            for item in doings(each)
            if isinstance(item, Send)
        )
        windows = [cap.per for cap in self.workspace.caps]
        windows += [send.limit.per for send in sends if send.limit]
        return max(map(_at_most_ms, windows), default=0)


def doings(map_: Map) -> Iterator[Do]:
    """Everything the map does, in the order in which it is written."""
    for stage in map_.stages.values():
        for do in (stage.do, *(x.do for x in stage.on), *(x.do for x in stage.after)):
            yield from do
    for line in map_.anywhere:
        yield from line.do


def _at_most_ms(duration: Duration) -> int:
    """No calendar step is longer: a month of 31 days, and an hour for the change of clocks."""
    days = duration.days + 31 * duration.months
    return duration.millis + days * 86_400_000 + (3_600_000 if days else 0)
