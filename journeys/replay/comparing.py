"""What was expected beside what is: only what is named is compared.

Lists are complete and in order, `history` is a subsequence; in an item and in a mapping only the
named keys count, a list of values is compared whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from journeys.language import map_tests_grammar as grammar
from journeys.language.durations import parse_duration, roughly_ms
from journeys.language.problems import Place
from journeys.language.tree import Mapping as Tree
from journeys.language.tree import Node, Scalar, items, mapping, plain, scalar

from .moments import Moments, in_units
from .sight import Item, Sight

MOMENTS = ("at", "due", "leaves", "entered", "ended", "until")


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met, both sides in the test's own words, a line an item."""

    place: Place
    what: str
    expected: tuple[str, ...]
    got: tuple[str, ...]


def compare(expect: Tree, sight: Sight, moments: Moments) -> list[Failure]:
    """Every expectation that is not met, in the order of the file."""
    return _Comparing(sight, moments).all(expect)


def same(expected: Any, got: Any) -> bool:
    """Mappings by their named keys, all else whole; `1` is `1.0`, and never `true`."""
    if isinstance(expected, Mapping):
        return isinstance(got, Mapping) and all(
            name in got and same(value, got[name]) for name, value in expected.items()
        )
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, list) and isinstance(got, list | tuple):
        return len(expected) == len(got) and all(map(same, expected, got))
    return bool(expected == got)


class _Comparing:
    def __init__(self, sight: Sight, moments: Moments) -> None:
        self._sight, self._moments = sight, moments
        self._lists = sight.lists()

    def all(self, expect: Tree) -> list[Failure]:
        found = [self._word(key, node) for key, node in expect.entries]
        return [failure for failure in found if failure is not None]

    def _word(self, key: Scalar, node: Node) -> Failure | None:
        match key.text:
            case "history":
                return self._subsequence(key, [mapping(each) for each in items(node)])
            case word if word in grammar.LISTS:
                return self._list(key, [mapping(each) for each in items(node)])
            case "profile":
                return self._profile(key, mapping(node))
            case "timers":
                return self._one(key, plain(node), self._sight.timers())
            case _:
                return self._only(key, scalar(node))

    def _only(self, key: Scalar, node: Scalar) -> Failure | None:
        """`outcome` and the like are of the only instance."""
        instances = self._lists["instances"]
        if len(instances) != 1:
            got = tuple(self._line(each, _SHORT) for each in instances) or ("nobody entered",)
            return Failure(key.place, key.text, (node.text,), got)
        one = instances[0]
        so = "" if key.text == "outcome" and one["outcome"] else _so(one)
        return self._one(key, self._value(key.text, node), one[key.text], so)

    def _one(self, key: Scalar, expected: Any, got: Any, so: str = "") -> Failure | None:
        if same(expected, got):
            return None
        return Failure(
            key.place,
            key.text,
            (self._shown(key.text, expected),),
            (self._shown(key.text, got) + so,),
        )

    def _profile(self, key: Scalar, node: Tree) -> Failure | None:
        person = node.get("person")
        found = self._sight.profile(None if person is None else scalar(person).text)
        expected = self._item(node)
        if found is not None and same(expected, found):
            return None
        got = "nobody" if found is None else self._line(found, tuple(expected), expected)
        return Failure(key.place, "profile", (self._line(expected, tuple(expected)),), (got,))

    def _list(self, key: Scalar, nodes: Sequence[Tree]) -> Failure | None:
        got, wanted = self._lists[key.text], [self._item(node) for node in nodes]
        pairs = zip(wanted, got, strict=False)
        if len(got) == len(wanted) and all(same(w, g) for w, g in pairs):
            return None
        named = _named(wanted) or _USUAL[key.text]
        return Failure(
            _first_wrong(key, nodes, wanted, got),
            key.text,
            tuple(self._line(each, tuple(each)) for each in wanted),
            tuple(
                self._line(each, tuple(like or named), like)
                for each, like in zip_longest(got, wanted[: len(got)], fillvalue=None)
                if each is not None
            ),
        )

    def _subsequence(self, key: Scalar, nodes: Sequence[Tree]) -> Failure | None:
        got, wanted = self._lists["history"], [self._item(node) for node in nodes]
        at = 0
        for index, item in enumerate(wanted):
            while at < len(got) and not same(item, got[at]):
                at += 1
            if at == len(got):
                return Failure(
                    nodes[index].entries[0][0].place,
                    "history",
                    tuple(self._line(each, tuple(each)) for each in wanted),
                    tuple(self._line(each, _history_words(each)) for each in got),
                )
            at += 1
        return None

    def _item(self, node: Tree) -> Item:
        return {key.text: self._value(key.text, each) for key, each in node.entries}

    def _value(self, word: str, node: Node) -> Any:
        if word in MOMENTS and isinstance(node, Scalar) and node.value is not None:
            return self._moments.read(node.text)
        if word == "remaining" and isinstance(node, Scalar):
            length = parse_duration(node.text)
            return node.text if length is None else in_units(roughly_ms(length))
        # Names and outcomes are texts though they look like numbers.
        if word in _TEXTS and isinstance(node, Scalar) and node.value is not None:
            return node.text
        return plain(node)

    def _line(self, item: Item, words: Sequence[str], like: Item | None = None) -> str:
        pairs = [
            (word, _narrowed(item.get(word), (like or {}).get(word)))
            for word in dict.fromkeys(_other(word, item) for word in words)
        ]
        return ", ".join(f"{word}: {self._shown(word, value)}" for word, value in pairs)

    def _shown(self, word: str, value: Any) -> str:
        if word in MOMENTS and isinstance(value, int):
            return self._moments.show(value)
        return shown(value)


def shown(value: Any) -> str:
    """A value as YAML would have it, in one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "{" + ", ".join(f"{name}: {shown(each)}" for name, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(shown(each) for each in value) + "]"
        case _:
            return str(value)


_TEXTS = ("outcome", "stage", "key", "send", "task", "goal", "person", "map", "reason", "channel")
_SHORT = ("map", "key", "stage", "outcome")
_USUAL = {
    "instances": ("map", "key", "stage", "outcome"),
    "actions": ("at", "send", "channel"),
    "withheld": ("at", "send", "reason"),
    "held": ("at", "send", "reason"),
    "refused": ("at", "map", "reason"),
    "goals": ("at", "goal", "value"),
    "reports": ("at", "report", "event"),
    "published": ("version", "refused", "stage", "people"),
    "pending": ("at", "send", "state"),
    "dead_letters": ("at", "event", "reason"),
}
"""What is shown of an item where the test names nothing."""


def _named(wanted: Sequence[Item]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for item in wanted for word in item))


def _first_wrong(
    key: Scalar, nodes: Sequence[Tree], wanted: Sequence[Item], got: Sequence[Item]
) -> Place:
    for index, (node, item) in enumerate(zip(nodes, wanted, strict=True)):
        if (index >= len(got) or not same(item, got[index])) and node.entries:
            return node.entries[0][0].place
    return key.place


def _other(word: str, item: Item) -> str:
    """A task where a send was expected, and the other way round, is shown as what it is."""
    other = {"send": "task", "task": "send"}.get(word, word)
    return other if word not in item and other in item else word


def _narrowed(value: Any, like: Any) -> Any:
    """Of a mapping only what the test names of it, where it names some."""
    if isinstance(value, Mapping) and isinstance(like, Mapping):
        return {name: each for name, each in value.items() if name in like}
    return value


def _history_words(item: Item) -> tuple[str, ...]:
    return "at", next(iter(name for name in item if name != "at"))


def _so(instance: Item) -> str:
    """What became of her, where a short word alone would not say it."""
    if instance["outcome"] is not None:
        return f" (she ended: {instance['outcome']})"
    return f" (she is in {instance['stage']})"
