"""The catalogue: which touchpoints and traits there are, with the types of what they carry."""

from collections.abc import Iterable, Mapping

from .problems import Problems
from .tree import Mapping as Tree
from .tree import Node, mapping, scalar

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


def read_traits(catalogues: Iterable[Node], problems: Problems) -> Mapping[str, str] | None:
    """Trait -> type, over all files; None where there are none."""
    traits: dict[str, str] = {}
    for file in catalogues:
        for key, kind in section(file, "traits").entries:
            if key.text in traits:
                what = f'The trait "{key.text}" is declared twice.'
                problems.add("duplicate-name", key.place, what, "Keep one of them.")
            traits[key.text] = scalar(kind).text
    return traits or None


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
