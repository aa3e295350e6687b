"""The catalogue: which touchpoints and traits there are, with the types of what they carry."""

from collections.abc import Iterable

from .problems import Problems, nearest
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, mapping, scalar

Events = dict[str, dict[str, str]]


def read_events(catalogues: Iterable[Node], problems: Problems) -> Events:
    """Event type -> property -> type, over all files; a type declared twice is a problem."""
    events: Events = {}
    for file in catalogues:
        for key, event in section(file, "events").entries:
            if key.text in events:
                what = f'The event type "{key.text}" is declared twice.'
                problems.add("duplicate-name", key.place, what, "Keep one of them.")
            events[key.text] = _properties(mapping(event))
    return events


def read_unique(
    catalogues: Iterable[Node], events: Events, problems: Problems
) -> dict[str, tuple[str, ...]]:
    """Event type -> the properties that name a fact; those and required ones must be declared."""
    unique: dict[str, tuple[str, ...]] = {}
    for file in catalogues:
        for key, event in section(file, "events").entries:
            for word in ("required", "unique_by"):
                for each in items(mapping(event).get(word)):
                    _check_declared(key.text, scalar(each), events, problems)
            if "unique_by" in mapping(event):
                found = items(mapping(event)["unique_by"])
                unique[key.text] = tuple(scalar(each).text for each in found)
    return unique


def section(file: Node, name: str) -> Tree:
    """A file's section of that name, empty where it has none."""
    found = mapping(file).get(name)
    return mapping(found) if found is not None else Tree((), file.place)


def _properties(event: Tree) -> dict[str, str]:
    found = event.get("properties")
    if found is None:
        return {}
    return {key.text: _type(kind) for key, kind in mapping(found).entries}


def _type(kind: Node) -> str:
    return scalar(kind["type"] if isinstance(kind, Tree) else kind).text


def _check_declared(type_: str, name: Scalar, events: Events, problems: Problems) -> None:
    declared = events.get(type_, {})
    if name.text not in declared:
        what = f'"{type_}" has no property "{name.text}".'
        problems.add("no-such-property", name.place, what, nearest(name.text, declared))
