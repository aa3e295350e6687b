"""Names in the tests of a map: people, stages, goals, templates, types and maps must exist.

A test that changes its map or publishes another version may name stages this map has not.
"""

from collections.abc import Collection, Iterable, Iterator

from . import map_tests_grammar as grammar
from .model import Map
from .problems import Code, Problems, nearest
from .tree import Mapping, Node, Scalar, items, mapping, scalar
from .workspace import Compiled

_ENGINES_OWN = ("profile.updated",)


def check_names(test: Mapping, map_: Map, compiled: Compiled, problems: Problems) -> None:
    """Adds a problem for each name in this test that nothing bears."""
    names = _Names(test, map_, compiled, problems)
    names.check()


class _Names:
    def __init__(self, test: Mapping, map_: Map, compiled: Compiled, problems: Problems) -> None:
        self._test, self._map, self._compiled, self._problems = test, map_, compiled, problems
        people = test.get("people")
        self._people = [] if people is None else mapping(people).names()
        kinds = [mapping(each).names() for each in items(test.get("given"))]
        self._changes = "change" in test or any("publish" in each for each in kinds)

    def check(self) -> None:
        maps = [each.name for each in self._compiled.maps]
        for written in items(self._test.get("also")):
            self._check("no-such-map", scalar(written), maps, "map")
        for each in items(self._test.get("given")):
            self._check_happening(mapping(each))
        self._check_expected(mapping(self._test["expect"]))
        if "date" not in self._test:
            self._check_no_short_moment()
        self._check_bounds()

    def _check_bounds(self) -> None:
        """A map whose occasions never end needs a beginning and an end."""
        loaded = {self._map.name, *(scalar(each).text for each in items(self._test.get("also")))}
        maps = [each for each in self._compiled.maps if each.name in loaded]
        if not any(entry.schedule or entry.date for each in maps for entry in each.enter):
            return
        for word, given in (("until", False), ("date", bool(items(self._test.get("given"))))):
            if word not in self._test and not given:
                what = f"People enter this map at moments of their own, so the test needs `{word}`."
                mend = f'Add `{word}: "{"+30d" if word == "until" else "2026-05-04"}"`.'
                self._problems.add("missing-word", self._test.key("name").place, what, mend)

    def _check_happening(self, node: Mapping) -> None:
        self._check_person(node.get("person"))
        kind = grammar.kind_of(node)
        match "" if kind is None else kind.text:
            case "expect":
                self._check_expected(mapping(node["expect"]))
            case "watermark":
                self._check_source(scalar(mapping(node["watermark"])["source"]))
            case "merge" | "unmerge" as word:
                self._check_people(mapping(node[word]))
            case "touchpoint":
                self._check_type(scalar(mapping(node["touchpoint"])["type"]), None)
            case word if kind is not None and word not in grammar.KINDS:
                if not word.startswith(grammar.FEEDBACK_OF):
                    self._check_type(kind, node[word])

    def _check_person(self, written: Node | None) -> None:
        if self._people and written is not None and "{{" not in scalar(written).text:
            self._check("no-such-person", scalar(written), self._people, "person")

    def _check_people(self, node: Mapping) -> None:
        """Of a merge, or of a split and the touchpoints that are the other's."""
        for who in ("from", "into", "to"):
            self._check_person(node.get(who))
        given = [mapping(each).get("id") for each in items(self._test.get("given"))]
        ids = {scalar(each).text for each in given if each is not None}
        for written in map(scalar, items(node.get("entries"))):
            if written.text not in ids:
                what = f'No touchpoint of this test has the id "{written.text}".'
                mend = f"Give the touchpoint `id: {written.text}`."
                self._problems.add("no-such-event", written.place, what, mend)

    def _check_source(self, written: Scalar) -> None:
        sources = self._compiled.workspace.sources
        if written.text not in sources and "settings" not in self._test:
            what = f'There is no source "{written.text}", so it is never waited for.'
            self._problems.add("bad-source", written.place, what, nearest(written.text, sources))

    def _check_type(self, written: Scalar, properties: Node | None) -> None:
        declared = self._compiled.workspace.events
        if not declared or written.text in _ENGINES_OWN:
            return
        self._check("no-such-event", written, declared, "event type")
        known = declared.get(written.text)
        if known is not None and isinstance(properties, Mapping):
            for key, _ in properties.entries:
                self._check("no-such-property", key, known, f'property of "{written.text}"')

    def _check_expected(self, expect: Mapping) -> None:
        for word, item in _expectations(expect):
            self._check_person(item.get("person"))
            if self._is_of_this_map(item):
                self._check_item(word, item)

    def _check_item(self, word: str, item: Mapping) -> None:
        stages, goals = self._map.stages, [goal.name for goal in self._map.goals]
        templates = self._compiled.workspace.templates
        self._check_if("no-such-stage", item.get("stage"), stages, "stage")
        self._check_if("no-such-template", item.get("send"), templates, "template")
        self._check_if("no-such-stage", item.get("move"), stages, "stage")
        if word in ("goals", "history"):
            self._check_if("no-such-goal", item.get("goal"), goals, "goal")

    def _is_of_this_map(self, item: Mapping) -> bool:
        also = "also" in self._test and "map" not in item
        other = "map" in item and scalar(item["map"]).text != self._map.name
        return not (self._changes or also or other)

    def _check_if(self, code: Code, node: Node | None, known: Collection[str], what: str) -> None:
        if isinstance(node, Scalar) and node.value is not None:
            self._check(code, node, known, what)

    def _check(self, code: Code, written: Scalar, known: Iterable[str], what: str) -> None:
        names = list(known)
        if written.text not in names:
            said = f'There is no {what} "{written.text}".'
            self._problems.add(code, written.place, said, nearest(written.text, names))

    def _check_no_short_moment(self) -> None:
        for written in _moments(self._test):
            if not grammar.is_full(written.text):
                what = f'"{written.text}" is a moment of no day: this test has no `date`.'
                mend = 'Add `date: "2026-05-04"` to the test.'
                self._problems.add("bad-time-of-day", written.place, what, mend)
                return


def _expectations(expect: Mapping) -> Iterator[tuple[str, Mapping]]:
    """`expect` itself, then every item of its lists."""
    yield "expect", expect
    for key, node in expect.entries:
        if key.text in grammar.LISTS or key.text == "profile":
            for item in items(node):
                yield key.text, mapping(item)


_MOMENTS = ("at", "arrives", "until", "entered", "ended", "due", "leaves", "upto")


def _moments(test: Mapping) -> Iterator[Scalar]:
    expects = [mapping(test["expect"])]
    yield from _moments_of(test)
    for each in items(test.get("given")):
        yield from _moments_of(mapping(each))
        if "watermark" in mapping(each):
            yield from _moments_of(mapping(mapping(each)["watermark"]))
        if "expect" in mapping(each):
            expects.append(mapping(mapping(each)["expect"]))
    for expect in expects:
        for _, item in _expectations(expect):
            yield from _moments_of(item)


def _moments_of(node: Mapping) -> Iterator[Scalar]:
    for word in _MOMENTS:
        found = node.get(word)
        if isinstance(found, Scalar) and found.value is not None:
            yield found
