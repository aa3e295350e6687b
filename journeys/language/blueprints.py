"""Blueprints: maps with holes, filled into whole maps before anything else looks at them.

A hole, `${name}`, stands for a whole value; what fills it is put there as it is and not read for
holes again. A filled tree's places are those of the blueprint, whichever map it is for.
"""

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .blueprint_grammar import OVERRIDABLE, check_filling
from .problems import Problems, nearest
from .tree import SIZE_LIMIT, Node, Scalar, Sequence, mapping, plain, scalar
from .tree import Mapping as Tree

_HOLE = re.compile(r"\$\{([\w-]+)\}")
_OWN = ("blueprint", "parameters")


@dataclass(frozen=True, slots=True)
class Whole:
    """A map as if it had been written whole; `text` says so, and needs no blueprint."""

    tree: Tree
    text: str
    source: str = ""
    """The blueprint's document, in which its places are; empty where it was written whole."""


def blueprints_of(trees: Iterable[Tree], problems: Problems) -> dict[str, Tree]:
    """By name; adds what is wrong with their holes and parameters."""
    found: dict[str, Tree] = {}
    for tree in trees:
        name = scalar(tree["blueprint"])
        if name.text in found:
            what = f'The blueprint "{name.text}" is written twice.'
            problems.add("duplicate-name", name.place, what, "Give one another name.")
        found.setdefault(name.text, tree)
        _check_holes(tree, problems)
    return found


def fill(written: Tree, blueprints: Mapping[str, Tree], problems: Problems) -> Whole | None:
    """The map that this document asks for; None where a problem has been added."""
    before, name = len(problems), scalar(written["blueprint"])
    blueprint = blueprints.get(name.text)
    if blueprint is None:
        what = f'There is no blueprint "{name.text}".'
        problems.add("no-such-blueprint", name.place, what, nearest(name.text, blueprints))
        return None
    values = _values(written, blueprint, problems)
    if len(problems) > before:
        return None
    return _filled(written, blueprint, values, problems)


def _filled(
    written: Tree, blueprint: Tree, values: Mapping[str, Node], problems: Problems
) -> Whole | None:
    filling, before = _Filling(values, problems), len(problems)
    own = [(key, node) for key, node in written.entries if key.text not in ("blueprint", "tests")]
    entries = [(key, node) for key, node in own if key.text in ("map", "version", *OVERRIDABLE)]
    taken = {key.text for key, _ in entries}
    for key, node in blueprint.entries:
        if key.text not in _OWN and key.text not in taken:
            entries.append((key, filling.fill(node)))
    if len(problems) > before:
        return None
    whole = Tree(tuple(entries), written.place)
    text = json.dumps(plain(whole), indent=1, ensure_ascii=False)
    return Whole(whole, text, scalar(blueprint["blueprint"]).place.file)


class _Filling:
    """What fills a hole counts each time: a whole map is bounded as a file is."""

    def __init__(self, values: Mapping[str, Node], problems: Problems) -> None:
        self._values, self._problems = values, problems
        self._sizes = {name: _size(value) for name, value in values.items()}
        self._size = 0

    def fill(self, node: Node) -> Node:
        match node:
            case Tree():
                filled = tuple((key, self.fill(each)) for key, each in node.entries)
                return Tree(filled, node.place)
            case Sequence():
                return Sequence(tuple(self.fill(each) for each in node.items), node.place)
            case Scalar():
                hole = _hole(node)
                return node if hole is None else self._put(hole, node)

    def _put(self, name: str, hole: Scalar) -> Node:
        if self._size > SIZE_LIMIT:
            return hole
        self._size += self._sizes[name]
        if self._size > SIZE_LIMIT:
            what = "With what fills it, this blueprint becomes larger than 1 MiB."
            self._problems.add("too-large", hole.place, what, "Fill it with less.")
            return Scalar(None, "", hole.place)
        return _moved(self._values[name], hole)


def _moved(node: Node, hole: Scalar) -> Node:
    """The same value, standing where the hole stands."""
    match node:
        case Scalar():
            return Scalar(node.value, node.text, hole.place)
        case Sequence():
            return Sequence(tuple(_moved(each, hole) for each in node.items), hole.place)
        case Tree():
            entries = [
                (Scalar(key.value, key.text, hole.place), _moved(each, hole))
                for key, each in node.entries
            ]
            return Tree(tuple(entries), hole.place)


def _size(node: Node) -> int:
    return sum(len(each.text) + 1 for each in _scalars(node)) + 1


def _values(written: Tree, blueprint: Tree, problems: Problems) -> dict[str, Node]:
    """Parameter -> what fills it here."""
    parameters = _parameters(blueprint)
    given = mapping(written["fill"]) if "fill" in written else Tree((), written.place)
    for key, node in given.entries:
        if key.text not in parameters:
            what = f'The blueprint has no parameter "{key.text}".'
            problems.add("no-such-parameter", key.place, what, nearest(key.text, parameters))
        else:
            wanted = scalar(parameters[key.text]["type"]).text
            check_filling(node, wanted, f"The parameter `{key.text}`", problems)
    found = {name: each["default"] for name, each in parameters.items() if "default" in each}
    found |= {key.text: node for key, node in given.entries}
    for name in parameters:
        if name not in found:
            what, mend = f"The blueprint needs the parameter `{name}`.", f"Add `{name}: ...`."
            where = written.key("fill" if "fill" in written else "blueprint").place
            problems.add("parameter-missing", where, what, f"{mend[:-1]} to its `fill`.")
    return found


def _parameters(blueprint: Tree) -> dict[str, Tree]:
    if "parameters" not in blueprint:
        return {}
    return {key.text: mapping(each) for key, each in mapping(blueprint["parameters"]).entries}


def _check_holes(blueprint: Tree, problems: Problems) -> None:
    parameters, used = _parameters(blueprint), set()
    body = [node for key, node in blueprint.entries if key.text not in _OWN]
    for word in (word for node in body for word in _keys(node)):
        _check_word(word, problems)
    for text in (text for node in body for text in _scalars(node)):
        used |= _check_text(text, parameters, problems)
    for name, each in parameters.items():
        _check_parameter(name, each, blueprint, used, problems)


def _check_parameter(
    name: str, written: Tree, blueprint: Tree, used: Container[str], problems: Problems
) -> None:
    if "default" in written:
        wanted, what = scalar(written["type"]).text, f"The default of `{name}`"
        check_filling(written["default"], wanted, what, problems)
    if name not in used:
        what = f'Nothing in this blueprint is filled by "{name}".'
        mend = f"Write `${{{name}}}` where its value belongs, or leave it out."
        place = mapping(blueprint["parameters"]).key(name).place
        problems.add("bad-parameter", place, what, mend)


def _check_word(word: Scalar, problems: Problems) -> None:
    if _HOLE.search(word.text):
        what = "Only a value can be filled in, and this is a word."
        problems.add("bad-parameter", word.place, what, "Write the word itself.")


def _check_text(text: Scalar, parameters: Iterable[str], problems: Problems) -> set[str]:
    """The parameter that the text stands for, if it does."""
    name = _hole(text)
    if name is None:
        if found := _HOLE.search(text.text):
            what = f"`{found[0]}` stands for a whole value, and this is a part of one."
            mend = "Let the whole value be a parameter."
            problems.add("bad-parameter", text.place, what, mend)
            return {found[1]}
        return set()
    if name not in parameters:
        what = f'This blueprint has no parameter "{name}".'
        problems.add("no-such-parameter", text.place, what, nearest(name, parameters))
    return {name}


def _hole(node: Scalar) -> str | None:
    found = _HOLE.fullmatch(node.text.strip())
    return None if found is None else found[1]


def _scalars(node: Node) -> Iterator[Scalar]:
    match node:
        case Scalar():
            yield node
        case Sequence():
            for each in node.items:
                yield from _scalars(each)
        case Tree():
            for _, each in node.entries:
                yield from _scalars(each)


def _keys(node: Node) -> Iterator[Scalar]:
    match node:
        case Sequence():
            for each in node.items:
                yield from _keys(each)
        case Tree():
            for key, each in node.entries:
                yield key
                yield from _keys(each)
        case _:
            pass
