"""A designer's file as a tree in which every word knows its place.

The words are YAML 1.2's: `on`, `no` and `12:30` are texts. `.inf` and `.nan` are texts too, for
no JSON could carry them on.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from .problems import Place, Problems

# The C composer recurses for each level: 50,000 nested "[" end the process.
DEPTH_LIMIT = 50
ALIAS_LIMIT = 100
SIZE_LIMIT = 1_048_576
# 20,000 words and values are read in a third of a second. Ten aliases of ten aliases of ... stay
# below ALIAS_LIMIT and grow without bound when read: so they are counted as they are read, too.
NODE_LIMIT = 20_000
# Liquid reads some 40,000 tags a second.
TAG_LIMIT = 5_000

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Scalar:
    """`value` by YAML 1.2's rules, `text` as written. An empty plain scalar is null."""

    value: str | int | float | bool | None
    text: str
    place: Place

    def part(self, start: int, length: int) -> Place:
        """The place of a part of the text, where the text stands in the file as it is."""
        place = self.place
        for quote in (0, 1):
            column = place.col - 1 + quote
            if self.text and place.source.startswith(self.text, column):
                return Place(place.file, place.line, column + 1 + start, length, place.source)
        return place


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys are unique texts, in the order of the file."""

    entries: tuple[tuple[Scalar, "Node"], ...]
    place: Place
    _index: dict[str, tuple[Scalar, "Node"]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {entry[0].text: entry for entry in self.entries})

    def get(self, word: str) -> "Node | None":
        found = self._index.get(word)
        return None if found is None else found[1]

    def __getitem__(self, word: str) -> "Node":
        return self._index[word][1]

    def __contains__(self, word: str) -> bool:
        return word in self._index

    def key(self, word: str) -> Scalar:
        return self._index[word][0]

    def names(self) -> list[str]:
        return [key.text for key, _ in self.entries]


Node = Scalar | Sequence | Mapping


def read_tree(text: str, file: str, problems: Problems) -> Node | None:
    """The file's one document, or None when it has syntax problems, which are added."""
    before = len(problems)
    source = _Source(file, text.splitlines())
    if not _within_limits(text, source, problems):
        return None
    try:
        composed = _Composer(text).get_single_node()
    except yaml.YAMLError as error:
        _report(error, source, problems)
        return None
    if composed is None:
        problems.add("yaml-syntax", source.place(0, 0), "This file is empty.", "Write its content.")
        return None
    try:
        tree = _Reader(source, problems).read(composed, 0)
    except _TooManyAliasesError as error:
        _too_many_aliases(error.place, problems)
        return None
    return tree if len(problems) == before else None


def plain(node: Node) -> Any:
    """The tree as plain Python values, for what is handed on unread."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key.text: plain(value) for key, value in node.entries}


def scalar(node: Node) -> Scalar:
    """The node as a scalar; the grammar has made sure of it."""
    assert isinstance(node, Scalar)
    return node


def mapping(node: Node) -> Mapping:
    """The node as a mapping; the grammar has made sure of it."""
    assert isinstance(node, Mapping)
    return node


def items(node: Node | None) -> tuple[Node, ...]:
    """A list's items; one thing stands for a list of one, nothing for an empty list."""
    if node is None:
        return ()
    return node.items if isinstance(node, Sequence) else (node,)


@dataclass(frozen=True, slots=True)
class _Source:
    file: str
    lines: list[str]

    def place(self, line: int, col: int, length: int = 1) -> Place:
        """From YAML's marks, which count from 0."""
        content = self.lines[line] if line < len(self.lines) else ""
        return Place(self.file, line + 1, col + 1, length, content)

    def span(self, node: Any) -> Place:
        start, end = node.start_mark, node.end_mark
        content = self.lines[start.line] if start.line < len(self.lines) else ""
        to = end.column if end.line == start.line else len(content.rstrip())
        return self.place(start.line, start.column, max(to - start.column, 1))


class _Composer(yaml.CBaseLoader):
    """libyaml's parser with the words of YAML 1.2's core schema."""


_WORDS = (
    ("null", r"|~|null|Null|NULL", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
)
_PATTERNS = {name: re.compile(f"(?:{pattern})\\Z") for name, pattern, _ in _WORDS}
for _name, _, _first in _WORDS:
    _Composer.add_implicit_resolver(_TAG + _name, _PATTERNS[_name], _first)


def _within_limits(text: str, source: _Source, problems: Problems) -> bool:
    top = source.place(0, 0)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        problems.add("yaml-syntax", top, "This is not Unicode text.", "Save the file as UTF-8.")
        return False
    if size > SIZE_LIMIT:
        problems.add("too-large", top, "This file is larger than 1 MiB.", "Divide it.")
        return False
    if text.count("{{") + text.count("{%") > TAG_LIMIT:
        what = f"This file has more than {TAG_LIMIT} of `{{{{ }}}}` and `{{% %}}`."
        problems.add("too-large", top, what, "Divide it.")
        return False
    try:
        return _scan(yaml.parse(text, Loader=_Composer), source, problems)
    except yaml.YAMLError as error:
        _report(error, source, problems)
        return False


def _scan(events: Iterable[Any], source: _Source, problems: Problems) -> bool:
    depth = aliases = nodes = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        if depth > DEPTH_LIMIT or aliases > ALIAS_LIMIT or nodes > NODE_LIMIT:
            place = source.place(event.start_mark.line, event.start_mark.column)
            _report_bound(depth, aliases, place, problems)
            return False
    return True


def _report_bound(depth: int, aliases: int, place: Place, problems: Problems) -> None:
    if depth > DEPTH_LIMIT:
        _too_deep(place, problems)
    elif aliases > ALIAS_LIMIT:
        _too_many_aliases(place, problems)
    else:
        what = f"This file has more than {NODE_LIMIT} words and values."
        problems.add("too-large", place, what, "Divide it.")


def _too_deep(place: Place, problems: Problems) -> None:
    what = f"This is nested deeper than {DEPTH_LIMIT} levels."
    problems.add("too-deep", place, what, "Write it flatter.")


def _too_many_aliases(place: Place, problems: Problems) -> None:
    what = f"This file repeats itself by more than {ALIAS_LIMIT} aliases, or by aliases of aliases."
    problems.add("too-many-aliases", place, what, "Write out what is meant.")


def _report(error: yaml.YAMLError, source: _Source, problems: Problems) -> None:
    mark = getattr(error, "problem_mark", None)
    reason = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable")
    place = source.place(mark.line, mark.column) if mark else source.place(0, 0)
    if "nesting depth" in reason:
        _too_deep(place, problems)
        return
    problems.add("yaml-syntax", place, f"This is not YAML: {reason}.", _mend_of(reason))


def _mend_of(reason: str) -> str:
    if "mapping values" in reason:
        return 'Put a text that contains ": " in quotes.'
    if "expected ',' or" in reason:
        return "Close the bracket or brace, and put a text with a comma or colon in quotes."
    if "tab" in reason or "cannot start any token" in reason:
        return "Indent by spaces, and put a text that begins with a special character in quotes."
    if "another document" in reason or "expected a single document" in reason:
        return 'Keep one document a file: take the "---" away.'
    return "Look at the indentation and the quotes here and in the line before."


class _TooManyAliasesError(Exception):
    """A file that its aliases make larger than any may be."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


class _Reader:
    """Turns YAML's nodes into the tree; an alias is read anew where it stands."""

    def __init__(self, source: _Source, problems: Problems) -> None:
        self._source = source
        self._problems = problems
        self._count = 0

    def read(self, node: Any, depth: int) -> Node:
        place = self._source.span(node)
        self._count += 1
        if self._count > NODE_LIMIT or depth > DEPTH_LIMIT:
            raise _TooManyAliasesError(place)
        if not isinstance(node, ScalarNode) and node.tag not in (_TAG + "map", _TAG + "seq"):
            self._no_tag(node.tag, place)
        match node:
            case MappingNode():
                return Mapping(tuple(self._entries(node, depth)), place)
            case SequenceNode():
                return Sequence(tuple(self.read(item, depth + 1) for item in node.value), place)
            case _:
                return self._scalar(node, place)

    def _entries(self, node: MappingNode, depth: int) -> Iterator[tuple[Scalar, Node]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = self._key(key_node, seen)
            if key is None:
                continue
            if node.flow_style and _is_nothing(value_node):
                self._without_value(key)
                continue
            yield key, self.read(value_node, depth + 1)

    def _key(self, node: Any, seen: set[str]) -> Scalar | None:
        place = self._source.span(node)
        if not isinstance(node, ScalarNode):
            what = "A key must be a word, not a list or a mapping."
            self._problems.add("yaml-syntax", place, what, "Put the text in quotes.")
            return None
        if node.value in seen:
            what = f'"{node.value}" stands here twice.'
            self._problems.add("duplicate-key", place, what, "Keep one of them.")
            return None
        seen.add(node.value)
        return Scalar(node.value, node.value, place)

    def _without_value(self, key: Scalar) -> None:
        word, colon, rest = key.text.partition(":")
        if colon and rest:
            mend = f'Put a space after the colon: "{word}: {rest}".'
        else:
            mend = 'Give it one; and put a text with ", " or ": " inside braces in quotes.'
        what = f'"{key.text}" has no value inside the braces.'
        self._problems.add("key-without-value", key.place, what, mend)

    def _scalar(self, node: ScalarNode, place: Place) -> Scalar:
        kind = node.tag.removeprefix(_TAG)
        if kind != "str" and not _is_word(kind, node.value):
            self._no_tag(node.tag, place)
            kind = "str"
        return Scalar(_value(kind, node.value), node.value, place)

    def _no_tag(self, tag: str, place: Place) -> None:
        what = f"The tag {tag} means nothing here."
        self._problems.add("yaml-syntax", place, what, "Leave it out.")


def _is_nothing(node: Any) -> bool:
    return (
        isinstance(node, ScalarNode)
        and not node.value
        and node.start_mark.index == node.end_mark.index
    )


def _is_word(kind: str, text: str) -> bool:
    return kind in _PATTERNS and _PATTERNS[kind].match(text) is not None


def _value(kind: str, text: str) -> str | int | float | bool | None:
    match kind:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        case "float":
            number = float(text)
            return number if math.isfinite(number) else text
        case _:
            return text
