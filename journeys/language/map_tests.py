"""The tests of a map, read: what happens to whom, and what is expected of the engine.

Nothing is judged here. What is expected stays a tree, so that a failure can point at its line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from . import map_tests_grammar as grammar
from .durations import parse_duration, roughly_ms
from .map_tests_names import check_names
from .model import Map
from .problems import Place, Problems
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, mapping, plain, scalar
from .workspace import Compiled

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as she is before the story begins.

    `reachable` None: everywhere, unless identifiers or consents say otherwise. Nobody is held out
    who does not say so.
    """

    name: str
    traits: Facts
    tags: tuple[str, ...]
    consents: Mapping[str, bool]
    identifiers: Mapping[str, tuple[str, ...]]
    reachable: tuple[str, ...] | None
    arms: Mapping[str, str]
    holdout: bool = False
    buckets: Mapping[str, int] = field(default_factory=dict)
    """Split -> the bucket that the hash of rule 14 would have given her."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A touchpoint; `{{ n }}` in its texts is the number of its repetition."""

    type: str
    properties: Facts
    id: str | None
    source: str | None
    channel: str | None
    traits: Facts
    consents: Mapping[str, bool]
    tags: tuple[str, ...]
    backfill: bool
    repeat: int


@dataclass(frozen=True, slots=True)
class FedBack:
    """What became of her latest action of the name `of`; `hard`: it failed for good."""

    result: str
    of: str
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Requested:
    key: Any
    with_: Facts


@dataclass(frozen=True, slots=True)
class Joined:
    """Two people turn out to be one."""

    loser: str
    survivor: str


@dataclass(frozen=True, slots=True)
class Parted:
    """One person turns out to be two: what began with these touchpoints is the other's."""

    owner: str
    other: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewVersion:
    version: int
    change: Facts


@dataclass(frozen=True, slots=True)
class NewTemplates:
    change: Facts


@dataclass(frozen=True, slots=True)
class Steered:
    """The map is paused, resumed, drained or stopped; `max_staleness` in ms, 0 without one."""

    how: Literal["pause", "resume", "drain", "stop"]
    mode: Literal["hold", "discard"] = "hold"
    max_staleness: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A source has told of all that happened before `upto`, a moment as written."""

    source: str
    upto: Scalar


@dataclass(frozen=True, slots=True)
class Look:
    """What is expected in the middle, after all that is due by then."""

    expect: Tree


Control = Joined | Parted | NewVersion | NewTemplates | Mark | Steered
What = Touched | FedBack | Requested | Control | Look


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of `given`. `at` is when it happened, `arrives` when we hear of it, as written."""

    place: Place
    at: Scalar
    arrives: Scalar
    person: str | None
    what: What


@dataclass(frozen=True, slots=True)
class MapTest:
    """One test; `file` and `map` say whose. Patches are plain values."""

    file: str
    map: str
    name: str
    place: Place
    date: str | None
    timezone: str | None
    people: tuple[Person, ...]
    also: tuple[str, ...]
    settings: Facts
    change: Facts
    given: tuple[Happening, ...]
    expect: Tree
    until: Scalar | None


def read_tests(compiled: Compiled) -> tuple[MapTest, ...]:
    """The tests of all maps, in the order of files and lines.

    Raises MapError with the problems of their shapes, else with those of their names.
    """
    problems = Problems()
    found: list[tuple[str, Map, Tree]] = []
    for file, map_, tests in zip(compiled.files, compiled.maps, compiled.tests, strict=True):
        if tests is not None:
            grammar.TESTS(tests, problems)
            found += [(file, map_, node) for node in _mappings(items(tests))]
    problems.raise_if_any()
    for _, map_, node in found:
        check_names(node, map_, compiled, problems)
    problems.raise_if_any()
    return tuple(_test(file, map_.name, node) for file, map_, node in found)


def _mappings(nodes: Sequence[Node]) -> list[Tree]:
    return [node for node in nodes if isinstance(node, Tree)]


def _test(file: str, map_name: str, node: Tree) -> MapTest:
    people = node.get("people")
    until = node.get("until")
    return MapTest(
        file=file,
        map=map_name,
        name=scalar(node["name"]).text,
        place=scalar(node["name"]).place,
        date=_text(node.get("date")),
        timezone=_text(node.get("timezone")),
        people=tuple(
            _person(key.text, mapping(each))
            for key, each in (mapping(people).entries if people else ())
        ),
        also=_texts(node.get("also")),
        settings=_plain(node.get("settings")),
        change=_plain(node.get("change")),
        given=tuple(_happening(mapping(each)) for each in items(node.get("given"))),
        expect=mapping(node["expect"]),
        until=None if until is None else scalar(until),
    )


def _person(name: str, node: Tree) -> Person:
    traits = dict(_plain(node.get("traits")))
    for known in ("timezone", "store"):
        if known in node:
            traits[known] = scalar(node[known]).text
    reachable = node.get("reachable")
    return Person(
        name=name,
        traits=traits,
        tags=_texts(node.get("tags")),
        consents=_plain(node.get("consents")),
        identifiers={
            key: tuple(value if isinstance(value, list) else [value])
            for key, value in _plain(node.get("identifiers")).items()
        },
        reachable=None if reachable is None else _texts(reachable),
        arms=_plain(node.get("arms")),
        holdout="holdout" in node,
        buckets=_plain(node.get("buckets")),
    )


def _happening(node: Tree) -> Happening:
    at = scalar(node["at"])
    arrives = node.get("arrives")
    return Happening(
        place=node.entries[0][0].place,
        at=at,
        arrives=at if arrives is None else scalar(arrives),
        person=_text(node.get("person")),
        what=_what(node),
    )


def _what(node: Tree) -> What:
    key = grammar.kind_of(node)
    kind = "" if key is None else key.text
    given = node.get(kind)
    match kind:
        case "expect":
            return Look(mapping(node["expect"]))
        case "start":
            written = _plain(given)
            return Requested(written.get("key"), written.get("with", {}))
        case _ if kind.startswith(grammar.FEEDBACK_OF):
            told = _plain(given)
            return FedBack(kind.removeprefix(grammar.FEEDBACK_OF), told["of"], "hard" in told)
        case _ if kind in grammar.KINDS and kind != "touchpoint":
            return _control(kind, mapping(node[kind]) if isinstance(given, Tree) else None)
        case _:
            return _touched(node, kind, given)


def _control(kind: str, given: Tree | None) -> What:
    """What happens to the shard, not to a person; `given` None: the line says only `true`."""
    written = _plain(given)
    match kind:
        case "merge":
            return Joined(written["from"], written["into"])
        case "unmerge":
            return Parted(written["from"], written["to"], tuple(written["entries"]))
        case "publish":
            return NewVersion(written["version"], written.get("change", {}))
        case "template":
            return NewTemplates(written)
        case "watermark":
            assert given is not None
            return Mark(scalar(given["source"]).text, scalar(given["upto"]))
        case "pause" | "resume" | "drain" | "stop":
            return _steered(kind, written)
        case _:
            raise AssertionError(f"the grammar lets {kind} through, and nobody reads it")


def _steered(how: Literal["pause", "resume", "drain", "stop"], written: Facts) -> Steered:
    staleness = parse_duration(written.get("max_staleness", ""))
    mode: Literal["hold", "discard"] = "discard" if written.get("mode") == "discard" else "hold"
    return Steered(how, mode, 0 if staleness is None else roughly_ms(staleness))


def _touched(node: Tree, kind: str, given: Node | None) -> Touched:
    properties = _plain(given)
    if kind == "touchpoint":
        kind, properties = properties["type"], properties.get("properties", {})
    backfill, repeat = node.get("backfill"), node.get("repeat")
    return Touched(
        type=kind or "profile.updated",
        properties=properties,
        id=_text(node.get("id")),
        source=_text(node.get("source")),
        channel=_text(node.get("channel")),
        traits=_plain(node.get("traits")),
        consents=_plain(node.get("consents")),
        tags=_texts(node.get("tags")),
        backfill=backfill is not None and plain(backfill) is True,
        repeat=1 if repeat is None else int(plain(repeat)),
    )


def _text(node: Node | None) -> str | None:
    return None if node is None else scalar(node).text


def _texts(node: Node | None) -> tuple[str, ...]:
    return tuple(scalar(each).text for each in items(node))


def _plain(node: Node | None) -> dict[str, Any]:
    found = None if node is None else plain(node)
    return found if isinstance(found, dict) else {}
