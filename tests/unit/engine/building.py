"""Compiled maps by hand, and a shard to fold them in: what the engine's tests are told with."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from journeys.engine.effects import Effects, Output, Shard
from journeys.engine.fold import fold, tick_time, wanted
from journeys.engine.profile import Profile, decode
from journeys.engine.results import RESULT_TYPES
from journeys.engine.rounds import NOBODY, next_of
from journeys.engine.steering import may_pass
from journeys.language.model import (
    Channel,
    Duration,
    End,
    Entry,
    Expression,
    Line,
    Map,
    Param,
    Reentry,
    Release,
    Send,
    Stage,
    Template,
    Timer,
    To,
    Trigger,
    Workspace,
)
from journeys.language.scope import Scope
from schemas import inbox
from schemas.inbox import Arrived, InboxRecord, Logged, Opened, Published, Tick
from schemas.touchpoint import Millis, ProfileId, Touchpoint

UTC = ZoneInfo("UTC")
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
ANN, BEA = ProfileId("ann"), ProfileId("bea")


def at(text: str) -> Millis:
    """`2026-05-04 09:00` in UTC, as ms."""
    return Millis(int(datetime.fromisoformat(text + "+00:00").timestamp() * 1000))


START = at("2026-05-04 09:00")


def days(n: int) -> Duration:
    return Duration(f"{n}d", days=n)


def hours(n: float) -> Duration:
    return Duration(f"{n}h", millis=int(n * HOUR))


def seconds(n: float) -> Duration:
    return Duration(f"{n}s", millis=int(n * SECOND))


def expression(run: Callable[[Scope], Any]) -> Expression:
    return Expression("by hand", run)


def on(*events: str, when: Expression | None = None, match: str | None = None) -> Trigger:
    return Trigger(events, when, dict.fromkeys(events, match))


def send(place: str, template: str = "hello", **more: Any) -> Send:
    return Send(
        place,
        template,
        more.pop("channels", ("sms",)),
        more.pop("purpose", None),
        more.pop("values", {}),
        more.pop("class_", "transactional"),
        more.pop("expires_after", None),
        **more,
    )


def entry(event: str, **more: Any) -> Entry:
    trigger = on(event, when=more.get("when"))
    return Entry(trigger, more.get("key"), more.get("max_age", hours(24)))


def stage(name: str, **more: Any) -> Stage:
    return Stage(name, name, **more)


def map_of(name: str, stages: Sequence[Stage], enter: Sequence[Entry], **more: Any) -> Map:
    types = {t for e in enter for t in e.trigger.events}
    for trigger in _triggers(stages, more):
        types |= set(trigger.events)
    return Map(
        name=name,
        version=more.get("version", 1),
        title=name,
        zone=more.get("zone", UTC),
        priority=more.get("priority", 50),
        enter=tuple(enter),
        reentry=more.get("reentry", Reentry()),
        goals=more.get("goals", ()),
        exits=more.get("exits", ()),
        stages={one.name: one for one in stages},
        first=stages[0].name,
        remembers=more.get("remembers", {t: frozenset({"amount"}) for t in sorted(types)}),
        digest="",
        has_key=more.get("has_key", any(e.key for e in enter)),
        asks=more.get("asks", frozenset()),
        looks_back=more.get("looks_back", False),
        anywhere=more.get("anywhere", ()),
        holdout=more.get("holdout"),
        tracks=more.get("tracks", False),
    )


def workspace(**more: Any) -> Workspace:
    templates = {
        "hello": Template(
            "hello",
            None,
            {"name": Param("name", "text", "friend", optional=True)},
            {
                "sms": lambda p: {"text": f"Hello {p['name']}"},
                "email": lambda p: {"subject": "Hello", "text": p["name"]},
            },
        )
    }
    channels = {
        "sms": Channel("sms", "phone", "sms"),
        "email": Channel("email", "email"),
        "wechat": Channel("wechat", "openid.*"),
    }
    return Workspace(
        zone=UTC,
        **{
            "name": "test",
            "clock": "wall",
            "grace": 5 * SECOND,
            "memory_for": DAY,
            "memory_at_most": 200,
            "channels": channels,
            "purposes": {"notify": ("sms", "email")},
            "templates": templates,
            "sources": {},
            "events": {},
            "digest": "d1",
            **more,
        },
    )


def release(*maps: Map, space: Workspace | None = None) -> Release:
    live = tuple(sorted(maps, key=lambda m: (-m.priority, m.name)))
    entering: dict[str, tuple[tuple[Map, Entry], ...]] = {}
    for one in live:
        for each in one.enter:
            for event in each.trigger.events:
                entering[event] = (*entering.get(event, ()), (one, each))
    noticing, remembers = set(), {}
    for one in live:
        for trigger in _triggers(
            one.stages.values(),
            {"goals": one.goals, "exits": one.exits, "anywhere": one.anywhere},
        ):
            noticing |= {(one.name, one.version, event) for event in trigger.events}
        results = RESULT_TYPES if one.tracks else ()
        noticing |= {(one.name, one.version, event) for event in results}
        remembers |= dict.fromkeys(results, frozenset({"action_id"}))
        for event, names in one.remembers.items():
            remembers[event] = remembers.get(event, frozenset()) | names
    versions = {(one.name, one.version): one for one in live}
    return Release(space or workspace(), live, versions, entering, frozenset(noticing), remembers)


def _triggers(stages: Any, more: Mapping[str, Any]) -> list[Trigger]:
    lines = [line.trigger for one in stages for line in one.on]
    other = [*more.get("goals", ()), *more.get("exits", ()), *more.get("anywhere", ())]
    return lines + [each.trigger for each in other]


def win_back(wait: Duration | None = None, **more: Any) -> Map:
    """Thirty days without an order: one message, and out."""
    waiting = stage(
        "waiting",
        on=(Line(on("order.paid"), go=To("waiting")),),
        after=(Timer(wait or days(30), do=(send("waiting/after/0/do/0"),), go=End("sent")),),
    )
    more.setdefault("name", "win-back")
    return map_of(more.pop("name"), [waiting], [entry("order.paid")], **more)


@dataclass
class Life:
    """A shard under test: appends records, folds each at once, and keeps what comes out.

    `log` is the inbox so far, so that the same life can be folded again in another batching.
    """

    book: Release | None = None
    clock: str = "wall"
    shard: Shard = field(default_factory=lambda: Shard(0, 1))
    stored: dict[str, bytes] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    gate: dict[str, int] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    log: list[Logged] = field(default_factory=list)
    books: dict[str, Release] = field(default_factory=dict)
    """What the digest of the settings in force stands for."""
    begun: bool = False
    per_tick: int = 1000

    def __post_init__(self) -> None:
        if not self.begun:
            self.append(Opened(self.clock, 1), Millis(0))
        if self.book is not None:
            self.publish(self.book)

    def publish(self, book: Release) -> None:
        self.books[book.workspace.digest] = book
        versions = {one.name: one.version for one in book.live}
        self.append(Published(book.workspace.digest, versions), self.shard.log_time)

    def happens(self, type_: str, time: int, who: str = ANN, **more: Any) -> None:
        """A touchpoint, stamped when it happened unless `stamp` says otherwise."""
        stamp, links = more.pop("stamp", time), more.pop("links", ())
        arrived = Arrived(ProfileId(who), touch(type_, time, **more), links, ("t", 0, 0))
        self.append(arrived, stamp)

    def tick(self, until: int, stamp: int | None = None) -> None:
        self.append(Tick(Millis(until)), until if stamp is None else stamp)

    def pass_until(self, moment: int) -> None:
        """Ticks as the owner of a shard does: at each due moment, then at the end."""
        for _ in range(1000):
            first = min(self.due.values(), default=moment)
            if first > moment:
                break
            self.tick(max(first, self.shard.time))
        self.tick(moment)

    def append(self, record: InboxRecord, stamp: int) -> None:
        offset = len(self.log)
        self.log.append(Logged(offset, Millis(stamp), inbox.decode(inbox.encode(record))))
        self.fold([self.log[-1]])

    def fold(self, batch: Sequence[Logged]) -> Effects:
        due, waiting = self._called(batch[0])
        visited = NOBODY
        if isinstance(batch[0].record, Tick):
            index = {ProfileId(name): Millis(at) for name, at in self.due.items()}
            visited = next_of(self.shard, index, self.per_tick - len(due) - len(waiting))
        names = [*wanted(batch), *(name for _, name in (*due, *waiting, *visited.people))]
        stored = {name: self.stored[name] for name in names if name in self.stored}
        effects = fold(self.shard, batch, stored, self._release, due, waiting, visited, token_of)
        for target, found in (
            (self.stored, effects.profiles),
            (self.due, effects.due),
            (self.gate, effects.gate),
        ):
            for name, value in found.items():
                if value is None:
                    target.pop(name, None)
                else:
                    target[name] = value
        self.outputs += effects.outputs
        for key, n in effects.counts.items():
            self.counts[key] = self.counts.get(key, 0) + n
        return effects

    def deliver(self) -> None:
        """Appends what was sent to other profiles, until nothing is under way."""
        sent = [o for o in self.outputs if o.kind == "inbox"]
        self.outputs = [o for o in self.outputs if o.kind != "inbox"]
        for output in sent:
            self.append(inbox.decode(output.value), self.shard.log_time)
        if sent:
            self.deliver()

    def person(self, who: str = ANN) -> Profile:
        return decode(self.stored[who])

    def actions(self) -> list[dict[str, Any]]:
        return [orjson.loads(o.value) for o in self.outputs if o.kind.startswith("actions.")]

    def told(self, *kinds: str) -> list[dict[str, Any]]:
        rows = [orjson.loads(o.value) for o in self.outputs if o.kind == "transitions"]
        return [row for row in rows if not kinds or row["kind"] in kinds]

    def _called(self, first: Logged) -> tuple[list[tuple[Millis, ProfileId]], ...]:
        if not isinstance(first.record, Tick):
            return [], []
        until = tick_time(self.shard, first)
        most = self.per_tick
        due = sorted((Millis(t), ProfileId(p)) for p, t in self.due.items() if t <= until)[:1000]
        gate = sorted((Millis(t), ProfileId(p)) for p, t in self.gate.items())
        waiting = [(at, name) for at, name in gate if may_pass(self.shard, at)]
        return due[:most], waiting[: max(0, most - len(due))]

    def _release(self, shard: Shard) -> Release | None:
        return self.books.get(shard.settings)


def token_of(namespace: str, value: str) -> str:
    """Tokens of tests hide nothing."""
    return f"{namespace}:{value}"


def folded_again(life: Life, cuts: Collection[int]) -> Life:
    """The same log in batches that end before these offsets, and before each Tick."""
    again = Life(books=life.books, begun=True, per_tick=life.per_tick)
    batch: list[Logged] = []
    for logged in life.log:
        if batch and (logged.offset in cuts or isinstance(logged.record, Tick)):
            again.fold(batch)
            batch = []
        batch.append(logged)
    again.fold(batch)
    return again


def touch(type_: str, time: int, **more: Any) -> Touchpoint:
    number = more.pop("id", f"{type_}@{time}")
    return Touchpoint(
        id=number,
        type=type_,
        time=Millis(time),
        received=Millis(more.pop("received", time)),
        source=more.pop("source", "shop"),
        channel=more.pop("channel", "web"),
        identifiers=more.pop("identifiers", {"phone": ("+8613800138000",)}),
        traits=more.pop("traits", {}),
        consents=more.pop("consents", {}),
        backfill=more.pop("backfill", False),
        properties=more,
    )
