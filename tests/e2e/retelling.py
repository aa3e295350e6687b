"""Tests of maps, made ready to be told by real Kafka and Redis: each once in plain memory, by the
trial's own steps, with the records it was told by and all that came out of it.

Maps get a name for each test, so that one workspace holds them all. People get the profile ids
that stitching will give them, so even what a hash decides has to be the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import orjson

from journeys.engine.effects import Output
from journeys.engine.holdout import held_out
from journeys.engine.profile import Profile
from journeys.engine.turn import Turn
from journeys.identity.tokens import profile_id, token
from journeys.language.map_tests import (
    FedBack,
    Happening,
    Joined,
    Look,
    MapTest,
    Mark,
    NewTemplates,
    NewVersion,
    Person,
    Requested,
    Steered,
    Touched,
)
from journeys.language.map_tests_grammar import is_full
from journeys.language.patching import patched
from journeys.language.tree import Mapping as Tree
from journeys.language.tree import Scalar
from journeys.language.workspace import compile_workspace
from journeys.replay.books import books_of
from journeys.replay.life import Life
from journeys.replay.moments import Moments
from journeys.replay.people import profile_of
from journeys.replay.trial import Trial
from schemas.inbox import InboxRecord
from schemas.touchpoint import Millis, ProfileId

SAYABLE = (Touched, FedBack, Requested, Joined, NewVersion, NewTemplates, Mark, Steered, Look)
PHONES = count()


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a story. `chains`: it made records of its own, for other records to await.

    `documents` are what a publication puts in force.
    """

    record: InboxRecord
    stamp: Millis
    chains: bool
    documents: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Written(Life):
    """A life that keeps what it was told."""

    entries: list[tuple[InboxRecord, Millis, bool]] = field(default_factory=list)
    _depth: int = 0

    def append(self, record: InboxRecord, stamp: Millis) -> list[Output]:
        self._depth += 1
        came = super().append(record, stamp)
        self._depth -= 1
        if not self._depth:
            self.entries.append((record, stamp, any(each.kind == "inbox" for each in came)))
        return came


class Told(Trial):
    """A trial whose people are who they will be on the wire; `people` are by profile id."""

    def __init__(self, documents: Mapping[str, str], test: MapTest, key: bytes) -> None:
        compiled = compile_workspace(documents)
        names = (test.map, *test.also)
        zone = next(each.zone for each in compiled.maps if each.name == test.map)
        day = date.fromisoformat(test.date) if test.date else None
        super().__init__(books_of(documents, compiled, names), test, Moments(zone, day))
        self._key = key
        self.documents = documents
        self.people: dict[ProfileId, Profile] = {}
        self.entries: list[Entry] = []
        self.life = Written(self.books.release, "event")

    def tell(self) -> None:
        """All of the story but its looks; then `entries` is complete."""
        self.run()
        self._write_down()

    @property
    def outputs(self) -> list[str]:
        """Actions and transitions, in no order, each as one text."""
        found = [each for each in self.life.outputs if each.kind != "inbox"]
        return sorted(canonical(orjson.loads(each.value)) for each in found)

    @property
    def late(self) -> frozenset[str]:
        return self._never_late()

    def _introduce(self, person: Person) -> None:
        handle = self._handle(person)
        name = self._id(handle)
        profile = profile_of(person, self.books.workspace, self.books.live.values())
        namespaces = ["user_id", *profile.identifiers]
        profile.identifiers = {each: [_identifier(each, handle)] for each in namespaces}
        profile.traits["story"] = (self.test.map.rpartition("-")[2], 0)
        self.names[name], self.ids[person.name] = person.name, name
        self.life.put(name, profile)
        self.people[name] = profile

    def _append(self, record: InboxRecord, stamp: Millis) -> None:
        super()._append(record, stamp)
        self._write_down()

    def _write_down(self) -> None:
        assert isinstance(self.life, Written)
        documents = dict(self.books.documents)
        self.entries += [Entry(*each, documents) for each in self.life.entries]
        self.life.entries.clear()

    def _handle(self, person: Person) -> str:
        """The first number behind her name whose hashes hold her out as the test says."""
        handles = (f"{self.test.map}-{person.name}-{n}" for n in count())
        return next(each for each in handles if self._is_held_out(each) == person.holdout)

    def _is_held_out(self, handle: str) -> bool:
        release = self.books.release(self.life.shard)
        assert release is not None
        turn = Turn(self.life.shard, release, self._id(handle), Profile(), 0, [], [])
        return any(held_out(turn, map_) for map_ in release.live)

    def _id(self, handle: str) -> ProfileId:
        return profile_id(token("user_id", handle, self._key), 0, self._key)


def canonical(record: Any) -> str:
    """The same text for the same values."""
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()


def unsayable(test: MapTest) -> str | None:
    """Why a test cannot be told by Kafka; None where it can."""
    if any(person.arms for person in test.people):
        return "an arm is drawn, nobody is given one"
    if any(person.tags for person in test.people):
        return "tags are given by maps, not by touchpoints"
    if test.map in ("dates", "schedules", "publication"):
        return "its moments count from its publication, which here is that of all told with it"
    others = [given.what for given in test.given if not isinstance(given.what, SAYABLE)]
    if others:
        return f"identity decides on {type(others[0]).__name__}"
    return None


def renamed(
    documents: Mapping[str, str], maps: Mapping[str, str], test: MapTest, number: int, weeks: int
) -> tuple[dict[str, str], MapTest]:
    """The documents of one test alone, with its changes in them, and the test `weeks` earlier.

    `maps` are texts by name.
    """
    names = {name: f"{name}-{number}" for name in (test.map, *test.also)}
    found = {file: text for file, text in documents.items() if not file.startswith("maps/")}
    more = {**test.settings, "clock": "event"}
    found["wayline.yaml"] = patched(found["wayline.yaml"], "wayline.yaml", more)
    found["catalogue/story.yaml"] = "traits: {story: text}"
    for name, new in names.items():
        change = {**(test.change if name == test.map else {}), "map": new}
        text = patched(maps[name], name, change)
        found[f"maps/{new}.yaml"] = patched(text, name, {"enter": _guarded(text, number)})
    given = tuple(_earlier(each, weeks) for each in test.given if not isinstance(each.what, Look))
    day = test.date and (date.fromisoformat(test.date) - timedelta(weeks=weeks)).isoformat()
    new_test = replace(
        test,
        file=f"maps/{names[test.map]}.yaml",
        map=names[test.map],
        also=tuple(names[each] for each in test.also),
        date=day,
        given=given,
        expect=Tree((), test.place),
        until=test.until and _moved(test.until, weeks),
    )
    return found, new_test


def _guarded(text: str, number: int) -> Any:
    """The map's entries, open only to the people of its own story."""
    enter = orjson.loads(text)["enter"]
    if isinstance(enter, list):
        return [_guarded(orjson.dumps({"enter": each}).decode(), number) for each in enter]
    own = f"profile.traits.story == '{number}'"
    return {**enter, "when": f"({enter['when']}) and {own}" if "when" in enter else own}


def introductions(told: Told) -> Iterator[tuple[ProfileId, dict[str, Any]]]:
    """A touchpoint for each person that says who she is and what is known of her."""
    for name, profile in told.people.items():
        yield (
            name,
            {
                "type": "profile.updated",
                "id": "introduction",
                "source": "introduction",
                "time": "2000-01-01T00:00:00Z",
                "identifiers": profile.identifiers,
                "traits": {trait: value for trait, (value, _) in profile.traits.items()},
                "consents": {consent: given for consent, (given, _) in profile.consents.items()},
                "backfill": True,
            },
        )


def _identifier(namespace: str, handle: str) -> str:
    if namespace == "phone":
        return f"+86138{next(PHONES):08}"
    return {"user_id": handle, "email": f"{handle}@example.com"}.get(namespace, f"of-{handle}")


def _earlier(happening: Happening, weeks: int) -> Happening:
    what = happening.what
    if isinstance(what, Mark):
        what = replace(what, upto=_moved(what.upto, weeks))
    at, arrives = _moved(happening.at, weeks), _moved(happening.arrives, weeks)
    return replace(happening, what=what, at=at, arrives=arrives)


def _moved(moment: Scalar, weeks: int) -> Scalar:
    if not is_full(moment.text):
        return moment
    found = datetime.fromisoformat(moment.text) - timedelta(weeks=weeks)
    return replace(moment, text=found.isoformat(timespec="milliseconds"))
