"""One test of a map, run: the life it tells, folded as the workers fold, and what was expected.

Whatever the test says of time happens in Ticks; a look at the life is taken at another life with
the same past, so that looking changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from journeys.language.map_tests import (
    Control,
    FedBack,
    Happening,
    Joined,
    Look,
    MapTest,
    Mark,
    NewTemplates,
    NewVersion,
    Parted,
    Person,
    Requested,
    Steered,
    Touched,
)
from journeys.language.problems import MapError
from journeys.language.tree import Mapping as Tree
from journeys.language.workspace import Compiled
from schemas.errors import ContractError
from schemas.inbox import (
    Arrived,
    Drained,
    InboxRecord,
    Marked,
    Merged,
    Operated,
    Paused,
    Resumed,
    Stopped,
)
from schemas.touchpoint import Millis, ProfileId, Touchpoint

from .books import Books, open_books
from .comparing import Failure, compare
from .life import Life
from .moments import Moments
from .people import NOBODY_IN_PARTICULAR, numbered, numbered_all, profile_id, profile_of
from .sight import Item, Sight, rows_of
from .story import Beat, beat_of, beats_of

DAYS_AT_MOST = 400
SOURCE = "test"
"""Of touchpoints for which the test names none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`passed` unless something failed; `error` where the test's own changes are no good map.

    `rows` are all transitions, for coverage; `story` is what happened, in order.
    """

    test: MapTest
    failures: tuple[Failure, ...]
    story: tuple[Beat, ...]
    rows: tuple[Item, ...]
    moments: Moments
    error: MapError | None = None

    @property
    def passed(self) -> bool:
        return not self.failures and self.error is None


def run_test(documents: Mapping[str, str], compiled: Compiled, test: MapTest) -> Verdict:
    """Runs one test of a good workspace; raises nothing for a designer's sake."""
    moments = Moments(_zone(compiled, test), date.fromisoformat(test.date) if test.date else None)
    try:
        trial = Trial(open_books(documents, compiled, test), test, moments)
        trial.run()
    except MapError as error:
        return Verdict(test, (), (), (), moments, error)
    rows = tuple(rows_of(trial.life.outputs))
    return Verdict(test, tuple(trial.failures), tuple(trial.story), rows, moments)


@dataclass
class Trial:
    books: Books
    test: MapTest
    moments: Moments
    life: Life = field(init=False)
    names: dict[ProfileId, str] = field(default_factory=dict)
    ids: dict[str, ProfileId] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    story: list[Beat] = field(default_factory=list)
    published: list[Item] = field(default_factory=list)
    dead_letters: list[Item] = field(default_factory=list)
    _touchpoints: int = 0
    _parting: frozenset[str] = frozenset()
    """Ids of touchpoints that are said to be somebody else's later."""

    def __post_init__(self) -> None:
        parted = [given.what for given in self.test.given if isinstance(given.what, Parted)]
        self._parting = frozenset(id_ for each in parted for id_ in each.entries)
        self.life = Life(self.books.release, self.books.workspace.clock)

    def run(self) -> None:
        """1 who there is, 2 publication, 3 what happens, 4 the time that is left, 5 the look."""
        self._begin()  # 1, 2
        for happening in self.test.given:  # 3
            self._happen(happening)
        self._pass(self._end())  # 4
        self._look(self.test.expect, self.life)  # 5

    def _begin(self) -> None:
        start = self._start()
        self.life.never_late = self._never_late()
        self.life.open()
        self.life.pass_until(start)  # with the event clock, too, it is published then
        self.life.append(self.books.published(), start)
        for person in self.test.people or self._unnamed():
            self._introduce(person)
        self._pass(start)

    def _unnamed(self) -> tuple[Person, ...]:
        """Where a test has no `people`, whoever it names is reachable everywhere."""
        named = dict.fromkeys(
            numbered(given.person, n)
            for given in self.test.given
            if given.person
            for n in range(1, _times(given) + 1)
        )
        nobody = NOBODY_IN_PARTICULAR
        for what in (given.what for given in self.test.given):
            match what:
                case Joined(one, other) | Parted(one, other):
                    named |= {one: None, other: None}
        return tuple(
            Person(name, {}, (), {}, {}, None, {}) for name in named or {nobody.name: None}
        )

    def _never_late(self) -> frozenset[str]:
        """Sources with a lateness that the test does not name (section 7, `watermark`)."""
        named = {given.what.source for given in self.test.given if isinstance(given.what, Touched)}
        named |= {given.what.source for given in self.test.given if isinstance(given.what, Mark)}
        sources = self.books.workspace.sources.values()
        return frozenset(each.name for each in sources if each.lateness) - named

    def _introduce(self, person: Person) -> None:
        release = self.books.release(self.life.shard)
        assert release is not None
        name = profile_id(person, release, self.test.map)
        self.names[name], self.ids[person.name] = person.name, name
        self.life.put(name, profile_of(person, self.books.workspace, self.books.live.values()))

    def _start(self) -> Millis:
        moments = [self.moments.read(h.arrives.text) for h in self.test.given]
        if self.moments.day is not None:
            moments.append(self.moments.midnight())
        return min(moments, default=Millis(0))

    def _end(self) -> Millis:
        """`until`, else the last happening and what is due within 400 days of it."""
        if self.test.until is not None:
            return self._heard(self.moments.read(self.test.until.text))
        limit = Millis(self.life.shard.time + DAYS_AT_MOST * 24 * 3600 * 1000)
        while (due := self.life.next_due()) is not None and due <= limit:
            before = self.life.shard.time, due
            self._pass(max(due, self.life.shard.time))
            if before == (self.life.shard.time, self.life.next_due()):
                break
        return self.life.shard.time

    def _heard(self, moment: Millis) -> Millis:
        """When all that was due by this moment has fired (rule 3)."""
        return Millis(moment + self.books.workspace.grace)

    def _happen(self, happening: Happening) -> None:
        arrives = self.moments.read(happening.arrives.text)
        self._pass(arrives)
        at = self.moments.read(happening.at.text)
        match happening.what:
            case Look(expect):
                fork = self.life.fork()
                fork.pass_until(self._heard(arrives))
                self._look(expect, fork)
            case Touched() as touched:
                for n in range(1, touched.repeat + 1):
                    self._touch(happening, touched, at, arrives, n)
            case FedBack() as fed:
                self._feed_back(happening, fed, at, arrives)
            case Requested(key, with_):
                asked = {"map": self.test.map, "key": key, "with": dict(with_)}
                touched = Touched("map.requested", asked, None, None, None, {}, {}, (), False, 1)
                self._touch(happening, touched, at, arrives, 1)
            case other:
                self._control(other, arrives)

    def _control(self, what: Control, arrives: Millis) -> None:
        match what:
            case Joined(loser, survivor):
                self._say(arrives, f"{loser} turns out to be {survivor}", loser)
                self._append(Merged(self.ids[loser], self.ids[survivor]), arrives)
            case Parted(owner, other, entries):
                self._say(arrives, f"{owner} turns out to be two: {other} as well", owner)
                tokens = tuple(_token(each) for each in entries)
                whose = self.ids[owner], tokens, arrives, self.ids[other]
                self._append(Operated("split", *whose), arrives)
            case NewVersion(version, change):
                self._publish(version, change, arrives)
            case NewTemplates(change):
                self.books.new_templates(change)
                self._say(arrives, f"templates are changed: {', '.join(change)}")
                self._append(self.books.published(), arrives)
            case Mark(source, upto):
                self._say(arrives, f"{source} has told of all until {upto.text}")
                self._append(Marked(source, self.moments.read(upto.text)), arrives)
            case Steered() as steered:
                self._say(arrives, f"{steered.how} {self.test.map}")
                self._append(_record_of(steered, self.test.map), arrives)

    def _publish(self, version: int, change: Mapping[str, Any], arrives: Millis) -> None:
        stranded = self.books.new_version(version, change, self.life.shard.heads)
        for fate in stranded:
            item = {"version": version, "refused": True, "stage": fate.stage or None}
            self.published.append({**item, "people": fate.people})
        said = "cannot be" if stranded else "is"
        self._say(arrives, f"version {version} of {self.test.map} {said} published")
        if not stranded:
            ok = {"version": version, "refused": False, "stage": None, "people": 0}
            self.published.append(ok)
            self._append(self.books.published(), arrives)

    def _touch(
        self, happening: Happening, touched: Touched, at: Millis, arrives: Millis, n: int
    ) -> None:
        self._touchpoints += 1
        person = self._person(happening, n)
        given: Any = numbered_all(dict(touched.properties), n)
        more: dict[str, Any] = {"tags": touched.tags} if touched.tags else {}
        touchpoint = Touchpoint(
            id=numbered(touched.id, n) if touched.id else f"{SOURCE}-{self._touchpoints}",
            type=touched.type,
            time=at,
            received=arrives,
            source=touched.source or SOURCE,
            channel=touched.channel or "",
            properties=given,
            traits=dict(touched.traits),
            consents=dict(touched.consents),
            backfill=touched.backfill,
            **more,
        )
        self.story.append(beat_of(touchpoint, self.names.get(person, person), arrives))
        if self._is_dead(touchpoint, person, arrives):
            return
        links = (_token(touchpoint.id),) if touchpoint.id in self._parting else ()
        self._append(Arrived(person, touchpoint, links, (SOURCE, 0, self._touchpoints)), arrives)

    def _is_dead(self, touchpoint: Touchpoint, person: ProfileId, arrives: Millis) -> bool:
        """It breaks its contract, so no journey hears of it."""
        contract = self.books.workspace.contracts.get(touchpoint.type)
        if contract is None:
            return False
        try:
            contract.hold(touchpoint.type, touchpoint.properties)
        except ContractError as error:
            name = self.names.get(person, person)
            item = {"at": arrives, "event": touchpoint.id, "reason": error.code}
            self.dead_letters.append({**item, "person": name})
            self._say(arrives, f"it becomes a dead letter: {error.code}", name)
            return True
        return False

    def _feed_back(self, happening: Happening, fed: FedBack, at: Millis, arrives: Millis) -> None:
        """On her latest action of that name; without one, nobody is told anything."""
        person = self._person(happening, 1)
        sent = [
            record
            for record in Sight(self.life, self.names).sent
            if record["profile_id"] == person
            and fed.of in (record.get("template"), record.get("task"))
        ]
        if not sent:
            what = f"`action.{fed.result}`"
            got = f"no action {fed.of} has left by then"
            self.failures.append(Failure(happening.place, what, (f"an action {fed.of}",), (got,)))
            return
        properties = {"action_id": sent[-1]["action_id"], **({"hard": True} if fed.hard else {})}
        name, channel = f"action.{fed.result}", sent[-1].get("channel")
        touched = Touched(name, properties, None, None, channel, {}, {}, (), False, 1)
        self._touch(happening, touched, at, arrives, 1)

    def _person(self, happening: Happening, n: int) -> ProfileId:
        if happening.person is None:
            return next(iter(self.names))
        return self.ids[numbered(happening.person, n)]

    def _pass(self, moment: Millis) -> None:
        self.story += beats_of(self.life.pass_until(moment), self.names)

    def _append(self, record: InboxRecord, stamp: Millis) -> None:
        self.story += beats_of(self.life.append(record, stamp), self.names)

    def _say(self, at: Millis, text: str, person: str = "") -> None:
        self.story.append(Beat(at, at, person, "given", text))

    def _look(self, expect: Tree, life: Life) -> None:
        sight = Sight(life, self.names, self.published, self.dead_letters)
        self.failures += compare(expect, sight, self.moments)


def _record_of(steered: Steered, name: str) -> InboxRecord:
    match steered.how:
        case "pause":
            return Paused(name, steered.mode, steered.max_staleness)
        case "resume":
            return Resumed(name)
        case "drain":
            return Drained(name)
        case "stop":
            return Stopped(name)


def _token(id_: str) -> str:
    """An identifier by which nothing but this touchpoint comes."""
    return f"{SOURCE}:{id_}"


def _times(happening: Happening) -> int:
    return happening.what.repeat if isinstance(happening.what, Touched) else 1


def _zone(compiled: Compiled, test: MapTest) -> ZoneInfo:
    if test.timezone is not None:
        return ZoneInfo(test.timezone)
    return next(map_.zone for map_ in compiled.maps if map_.name == test.map)
