"""Which touchpoints a map notices, and how they are matched to its instances (rule 1)."""

from collections.abc import Iterable, Iterator, Mapping

from .conditions import plain_property
from .names import REQUESTED, result_type
from .problems import Place, Problems, nearest
from .segments import type_noticed
from .signatures import words_of
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, mapping, scalar


def event_types(node: Tree) -> tuple[str, ...]:
    """The types an `event:` names, each once; a request's for `request: true`, those that report
    a result for `action:`, and none for occasions."""
    if "schedule" in node or "date" in node:
        return ()
    if "request" in node:
        return (REQUESTED,)
    edge = type_noticed(node)
    if edge is not None:
        return (edge,)
    if "action" in node:
        written = (scalar(each).text for each in items(node["action"]))
        return tuple(result_type(each) for each in dict.fromkeys(written))
    return tuple(dict.fromkeys(scalar(each).text for each in items(node["event"])))


def noticed_types(root: Tree) -> frozenset[str]:
    """Every type that some entry, goal, exit or line of the map names."""
    return frozenset(name for node in _triggers(root) for name in event_types(node))


def noticed_beside(root: Tree, stage: Tree) -> frozenset[str]:
    """The types that may take somebody out of a stage, or do something for her there."""
    nodes = [*_mappings(stage.get("on"))]
    for word in ("goals", "exits", "anywhere"):
        nodes += _mappings(root.get(word))
    return frozenset(name for node in nodes for name in event_types(node))


def action_names(root: Tree) -> frozenset[str]:
    """The template or task of everything the map has somebody or something do."""
    return frozenset(_action_names(root))


def _action_names(node: Node) -> Iterator[str]:
    if isinstance(node, Scalar):
        return
    entries = node.entries if isinstance(node, Tree) else ()
    for key, each in entries:
        if key.text in ("send", "task") and isinstance(each, Scalar):
            yield each.text
        elif key.text != "tests":
            yield from _action_names(each)
    for each in () if isinstance(node, Tree) else items(node):
        yield from _action_names(each)


class Matching:
    """Says for each trigger of a map which property is compared with the instance's key.

    `compared` collects (event type, property) of all comparisons.
    """

    def __init__(
        self,
        entries: Iterable[Tree],
        catalogue: Mapping[str, Mapping[str, str]],
        problems: Problems,
    ) -> None:
        keys = [scalar(entry["key"]) for entry in entries if "key" in entry]
        found = {plain_property(key) for key in keys}
        self._has_key = bool(keys)
        self._kinds = {
            catalogue[type_][name]
            for entry in entries
            if "key" in entry and (name := plain_property(scalar(entry["key"])))
            for type_ in event_types(entry)
            if name in catalogue.get(type_, {})
        }
        """Types of the key, as far as the catalogue says them."""
        self._property = found.pop() if len(found) == 1 else None
        self._catalogue = catalogue
        self._problems = problems
        self.compared: set[tuple[str, str]] = set()

    def of(self, node: Tree, types: tuple[str, ...]) -> dict[str, str | None]:
        """Event type -> property, or None where the type concerns every instance."""
        written = node.get("match")
        if "action" in node or type_noticed(node) is not None:
            return dict.fromkeys(types)
        if written is None:
            return self._usual(node, types)
        if isinstance(written, Scalar) and written.text == "any":
            return dict.fromkeys(types)
        return self._written(node, mapping(written), types)

    def _written(self, node: Tree, match: Tree, types: tuple[str, ...]) -> dict[str, str | None]:
        name, *more = (key for key, _ in match.entries)
        if not self._has_key or more:
            what = "This map has no key." if not self._has_key else "A key is one property."
            mend = "Give its entries a `key`, or leave `match` out."
            place = more[0].place if more else node.key("match").place
            self._problems.add("match-unclear", place, what, mend)
        for event_type in types:
            self._check_property(name, event_type)
            self._check_kind(name.text, event_type, name.place)
            self.compared.add((event_type, name.text))
        return dict.fromkeys(types, name.text)

    def _check_property(self, name: Scalar, event_type: str) -> None:
        declared = self._catalogue.get(event_type)
        if declared is not None and name.text not in declared:
            what = f'"{event_type}" has no property "{name.text}", so it can never match the key.'
            mend = nearest(name.text, declared)
            self._problems.add("no-such-property", name.place, what, mend)

    def _check_kind(self, name: str, event_type: str, place: Place) -> None:
        """Keys compare as texts: a truth is never a number, and nothing is ever a list."""
        kind = self._catalogue.get(event_type, {}).get(name)
        if kind is None or not self._kinds:
            return
        if not any(_may_be_equal(kind, each) for each in self._kinds):
            key = words_of(next(iter(sorted(self._kinds))))  # type: ignore[arg-type]
            what = (
                f"The property `{name}` of {event_type} is {words_of(kind)}, and the key is {key}: "  # type: ignore[arg-type]
                "they are never the same."
            )
            mend = (
                "Add `match: any`, or `match: {property: key}` with the property that has the key."
            )
            self._problems.add("key-never-matches", place, what, mend)

    def _usual(self, node: Tree, types: tuple[str, ...]) -> dict[str, str | None]:
        """Without `match`: the property the key is read from, if the catalogue gives it to the
        type. Where that is not known the designer has to say."""
        if not self._has_key:
            return dict.fromkeys(types)
        if self._property is None or not self._catalogue:
            reason = "the key is no plain property" if self._catalogue else "there is no catalogue"
            what = f"Which instances this concerns is not clear, for {reason}."
            mend = "Add `match: any` for all of the person's, or `match: {property: key}`."
            self._problems.add("match-unclear", node.key("event").place, what, mend)
            return dict.fromkeys(types)
        found: dict[str, str | None] = {}
        for event_type in types:
            has_it = self._property in self._catalogue.get(event_type, {})
            found[event_type] = self._property if has_it else None
            if has_it:
                self.compared.add((event_type, self._property))
                self._check_kind(self._property, event_type, node.key("event").place)
        return found


def _may_be_equal(one: str, other: str) -> bool:
    pair = {one, other}
    if pair & {"list", "object"}:
        return False
    return len(pair) == 1 or "text" in pair or pair == {"number", "integer"}


def _triggers(root: Tree) -> Iterator[Tree]:
    for word in ("enter", "goals", "exits", "anywhere"):
        yield from _mappings(root.get(word))
    for _, stage in mapping(root["stages"]).entries:
        yield from _mappings(mapping(stage).get("on"))


def _mappings(node: Node | None) -> Iterator[Tree]:
    return (mapping(each) for each in items(node))
