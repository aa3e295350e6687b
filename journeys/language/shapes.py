"""Checks of shapes: a mapping of known words, a text, a duration, a list of something.

A check adds what is wrong with a node and says nothing else; the grammar puts checks together.
Checks made of others are data, so that the grammar can also be written as a JSON Schema.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from . import tree
from .durations import parse_duration, parse_time_of_day
from .problems import Place, Problems, nearest
from .tree import Node, Scalar

Check = Callable[[Node, Problems], None]

_NAME = re.compile(r"[\w-]{1,64}")
_MAP_NAME = re.compile(r"[a-z0-9-]{1,64}")
_EVENT_NAME = re.compile(r"[\w.:/-]{1,128}")


@dataclass(frozen=True, slots=True)
class Shape:
    """A mapping: its words with their checks, and those it must have.

    Of each group in `alone` at most one word may stand there, of each in `some` at least one
    must.
    """

    what: str
    words: Mapping[str, Check]
    required: tuple[str, ...] = ()
    alone: tuple[tuple[str, ...], ...] = ()
    some: tuple[tuple[str, ...], ...] = ()

    def __call__(self, node: Node, problems: Problems) -> None:
        if not isinstance(node, tree.Mapping):
            example = f"{next(iter(self.words))}: ..."
            wrong(node, f"{self._title} is a mapping.", f"Write `{example}`.", problems)
            return
        for key, value in node.entries:
            self._check_word(key, value, problems)
        self._check_whole(node, problems)

    @property
    def _title(self) -> str:
        return self.what[0].upper() + self.what[1:]

    def _check_word(self, key: Scalar, value: Node, problems: Problems) -> None:
        check = self.words.get(key.text)
        if check is not None:
            check(value, problems)
        else:
            what = f'{self._title} has no word "{key.text}".'
            mend = nearest(key.text, self.words)
            problems.add("unknown-word", key.place, what, mend)

    def _check_whole(self, node: tree.Mapping, problems: Problems) -> None:
        # A misspelt word has been reported: that it is also missing would be a second message.
        is_spelt = all(name in self.words for name in node.names())
        for word_ in self.required:
            if word_ not in node and is_spelt:
                what, mend = f"{self._title} needs `{word_}`.", f"Add `{word_}: ...`."
                problems.add("missing-word", head(node), what, mend)
        for group in self.alone:
            found = [each for each in group if each in node]
            if len(found) > 1:
                what = f"`{found[0]}` and `{found[1]}` cannot stand together."
                problems.add("one-way-on", node.key(found[1]).place, what, "Keep one of them.")
        for group in self.some:
            if is_spelt and not any(each in node for each in group):
                choices = ", ".join(f"`{each}`" for each in group)
                what = f"{self._title} needs one of {choices}."
                problems.add("missing-word", head(node), what, "Add one of them.")


def text(node: Node, problems: Problems) -> None:
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.text.strip():
        wrong(
            node, "Here stands a text.", "Write one, in quotes if it looks like a number.", problems
        )


def anything(node: Node, problems: Problems) -> None:
    """Checked by whoever reads it."""


def flag(node: Node, problems: Problems) -> None:
    if not isinstance(node, Scalar) or not isinstance(node.value, bool):
        wrong(node, "Here stands `true` or `false`.", "Write one of them.", problems)


def only_true(node: Node, problems: Problems) -> None:
    if not isinstance(node, Scalar) or node.value is not True:
        wrong(
            node, "Here only `true` makes sense.", "Write `true`, or leave the word out.", problems
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number in the range."""

    low: int
    high: int

    def __call__(self, node: Node, problems: Problems) -> None:
        value = node.value if isinstance(node, Scalar) else None
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not self.low <= value <= self.high
        ):
            what = f"Here stands a whole number from {self.low} to {self.high}."
            problems.add("bad-number", node.place, what, "Write one.")


def whole(low: int, high: int) -> Whole:
    return Whole(low, high)


@dataclass(frozen=True, slots=True)
class Word:
    """One of these words."""

    choices: tuple[str, ...]

    def __call__(self, node: Node, problems: Problems) -> None:
        if isinstance(node, Scalar) and node.value in self.choices:
            return
        written = node.text if isinstance(node, Scalar) else "this"
        what = f'"{written}" cannot stand here.'
        problems.add("unknown-word", node.place, what, nearest(written, self.choices))


def word(*choices: str) -> Word:
    return Word(choices)


@dataclass(frozen=True, slots=True)
class Named:
    """A name; `of` says of which characters."""

    pattern: re.Pattern[str]
    of: str

    def __call__(self, node: Node, problems: Problems) -> None:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            wrong(node, "Here stands a name.", f"Write one of {self.of}.", problems)
        elif not self.pattern.fullmatch(node.value):
            what = f'"{node.text}" is no name.'
            problems.add("bad-name", node.place, what, f"A name has {self.of}.")


def duration(node: Node, problems: Problems) -> None:
    if not isinstance(node, Scalar) or parse_duration(node.text) is None:
        written = f'"{node.text}"' if isinstance(node, Scalar) else "This"
        mend = "Write a number and one unit: 90s 15m 24h (elapsed), 1d 2w 3mo 1y (calendar)."
        problems.add("bad-duration", node.place, f"{written} is no duration.", mend)


def positive_duration(node: Node, problems: Problems) -> None:
    before = len(problems)
    duration(node, problems)
    if len(problems) == before and set(tree.scalar(node).text) & set("123456789") == set():
        mend = "Write a longer one, or leave it out."
        problems.add("bad-duration", node.place, "A duration of nothing does nothing.", mend)


def time_of_day(node: Node, problems: Problems) -> None:
    if not isinstance(node, Scalar) or parse_time_of_day(node.text) is None:
        written = f'"{node.text}"' if isinstance(node, Scalar) else "This"
        mend = 'Write it with two digits each, in quotes: "09:30".'
        problems.add("bad-time-of-day", node.place, f"{written} is no time of day.", mend)


def day(node: Node, problems: Problems) -> None:
    """A calendar day, `"2026-05-04"`."""
    try:
        date.fromisoformat(node.text if isinstance(node, Scalar) else "")
    except ValueError:
        written = f'"{node.text}"' if isinstance(node, Scalar) else "This"
        mend = 'Write it as "2026-05-04", in quotes.'
        problems.add("bad-date", node.place, f"{written} is no day.", mend)


def timezone(node: Node, problems: Problems) -> None:
    try:
        ZoneInfo(node.text if isinstance(node, Scalar) else "")
    except (ValueError, OSError, KeyError):
        written = f'"{node.text}"' if isinstance(node, Scalar) else "This"
        mend = "Write an IANA name such as Asia/Shanghai or Europe/Berlin."
        problems.add("bad-timezone", node.place, f"{written} is no time zone.", mend)


def expression(node: Node, problems: Problems) -> None:
    """A condition or expression; numbers and truths count as written."""
    if not isinstance(node, Scalar) or not node.text.strip():
        wrong(node, "Here stands a condition.", "Write one, in quotes if it has `: `.", problems)


def value(node: Node, problems: Problems) -> None:
    """A value of `with`: a text, number, truth or null."""
    if not isinstance(node, Scalar):
        mend = "Write a text, a number, true, false or null; lists come by `=` expressions."
        wrong(node, "A value is one thing.", mend, problems)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list, of at least one unless it says otherwise."""

    check: Check
    what: str
    may_be_empty: bool = False

    def __call__(self, node: Node, problems: Problems) -> None:
        if not isinstance(node, tree.Sequence):
            wrong(node, f"Here stands a list of {self.what}.", "Begin each with `- `.", problems)
        elif not (node.items or self.may_be_empty):
            wrong(
                node, f"This list of {self.what} is empty.", "Fill it, or leave it out.", problems
            )
        else:
            for item in node.items:
                self.check(item, problems)


def list_of(check: Check, what: str) -> ListOf:
    return ListOf(check, what)


@dataclass(frozen=True, slots=True)
class OneOrList:
    """One, or a list of at least one."""

    check: Check
    what: str

    def __call__(self, node: Node, problems: Problems) -> None:
        is_list = isinstance(node, tree.Sequence)
        (ListOf(self.check, self.what) if is_list else self.check)(node, problems)


def one_or_list(check: Check, what: str) -> OneOrList:
    return OneOrList(check, what)


@dataclass(frozen=True, slots=True)
class MappingOf:
    """Names of the designer's own, each with the same kind of thing; at least one."""

    check: Check
    name: Check
    what: str

    def __call__(self, node: Node, problems: Problems) -> None:
        if not isinstance(node, tree.Mapping) or not node.entries:
            wrong(node, f"Here stand {self.what} by name.", "Write `name: ...`.", problems)
            return
        for key, each in node.entries:
            self.name(key, problems)
            self.check(each, problems)


def mapping_of(check: Check, name: Check, what: str) -> MappingOf:
    return MappingOf(check, name, what)


@dataclass(frozen=True, slots=True)
class Either:
    """A short form, or a mapping."""

    short: Check
    long: Check

    def __call__(self, node: Node, problems: Problems) -> None:
        (self.long if isinstance(node, tree.Mapping) else self.short)(node, problems)


def either(short: Check, long: Check) -> Either:
    return Either(short, long)


@dataclass(frozen=True, slots=True)
class Open:
    """A mapping of a few known words; every other is the designer's own, with the `rest`."""

    what: str
    words: Mapping[str, Check]
    rest: Check
    mend: str

    def __call__(self, node: Node, problems: Problems) -> None:
        if not isinstance(node, tree.Mapping):
            wrong(node, f"{self.what} is a mapping.", self.mend, problems)
            return
        for key, each in node.entries:
            self.words.get(key.text, self.rest)(each, problems)


@dataclass(frozen=True, slots=True)
class Ruled:
    """One of these shapes, and what only reading can check: `rule` does all of it."""

    shapes: tuple[Check, ...]
    rule: Check

    def __call__(self, node: Node, problems: Problems) -> None:
        self.rule(node, problems)


def wrong(node: Node, what: str, mend: str, problems: Problems) -> None:
    """Adds that something else belongs here."""
    problems.add("wrong-shape", node.place, what, mend)


def head(node: tree.Mapping) -> Place:
    """Where a mapping begins: its first key."""
    return node.entries[0][0].place if node.entries else node.place


name = Named(_NAME, "letters, digits, `_` and `-`, at most 64")
map_name = Named(_MAP_NAME, "small letters a-z, digits and `-`, at most 64")
event_name = Named(_EVENT_NAME, "letters, digits and `. _ - : /`, at most 128")
