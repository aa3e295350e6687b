"""The `traits:` of a catalogue: plain ones by their type, computed ones from touchpoints."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from .catalogue import Events, section
from .catalogue_grammar import WINDOW
from .computing import HOWS, Computed, How, Window, reader
from .conditions import compile_condition, compile_expression
from .lexer import Fault
from .model import Expression
from .names import Names, Reads, Type
from .parser import Binary, Call, Choose, Junction, Listing, Path, Syntax, Unary, parse
from .problems import Problems, nearest
from .scope import Scope
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, plain, scalar

_COUNTED: dict[str, Type] = {
    "count": "integer",
    "sum": "number",
    "min": "number",
    "max": "number",
    "distinct": "list",
}
_ANY = "any"

FORMULAS_AT_MOST = 64
"""That one reads, and those they read, each as often as it is read."""


@dataclass(slots=True)
class Traits:
    """All traits of a workspace. `types` has every trait; it is empty where none is declared."""

    types: dict[str, str] = field(default_factory=dict)
    computed: dict[str, Computed] = field(default_factory=dict)
    figures: dict[str, Callable[[Scope], Any]] = field(default_factory=dict)
    """Computed trait -> its value as conditions read it."""


def read_traits(
    catalogues: Iterable[Node], events: Events, zone: ZoneInfo, problems: Problems
) -> Traits:
    """Over all files; one declared twice, or computed from itself, is a problem."""
    written: dict[str, tuple[Scalar, Node]] = {}
    for file in catalogues:
        for key, node in section(file, "traits").entries:
            if key.text in written:
                what = f'The trait "{key.text}" is declared twice.'
                problems.add("duplicate-name", key.place, what, "Keep one of them.")
            written[key.text] = key, node
    return _Reader(written, events, zone, problems).read()


class _Reader:
    def __init__(
        self,
        written: Mapping[str, tuple[Scalar, Node]],
        events: Events,
        zone: ZoneInfo,
        problems: Problems,
    ) -> None:
        self._written, self._events = written, events
        self._zone, self._problems = zone, problems
        self._traits = Traits()

    def read(self) -> Traits:
        """Plain ones and those over touchpoints, then formulas, each after what it reads."""
        formulas: dict[str, Tree] = {}
        for name, (_, node) in self._written.items():
            if not isinstance(node, Tree):
                self._traits.types[name] = scalar(node).text
            elif "formula" in node:
                self._traits.types[name] = scalar(node["type"]).text
                formulas[name] = node
            else:
                self._over_touchpoints(name, node)
        for name in self._in_order(formulas):
            self._formula(name, formulas[name])
        return self._traits

    def _over_touchpoints(self, name: str, node: Tree) -> None:
        how: How = next(each for each in HOWS if each in node)
        types = self._types(node["count"] if how == "count" else node["of"])
        names = self._names(types)
        when = node.get("when")
        value, kind = None, _COUNTED.get(how, "any")
        if how != "count":
            value, found = self._expression(scalar(node[how]), names)
            kind = kind if how in _COUNTED else found
            if how in ("sum", "min", "max") and found not in ("number", "integer", "any", "null"):
                what, mend = f"`{how}` takes numbers.", "Name a property that is a number."
                self._problems.add("wrong-type", scalar(node[how]).place, what, mend)
        keep = node.get("keep")
        self._add(
            Computed(
                name,
                _identity(name, node, self._zone),
                how,
                kind,
                types,
                value,
                None if when is None else self._condition(scalar(when), names),
                self._window(node.get("in")),
                20 if keep is None else int(scalar(keep).text),
            )
        )

    def _formula(self, name: str, node: Tree) -> None:
        names = Names(
            roots=frozenset({"profile", "now"}),
            traits=self._traits.types,
            figures=self._traits.figures,
        )
        value, _ = self._expression(scalar(node["formula"]), names)
        kind = scalar(node["type"]).text
        self._add(Computed(name, name, "formula", kind, value=value))

    def _add(self, computed: Computed) -> None:
        self._traits.types[computed.name] = computed.type
        self._traits.computed[computed.name] = computed
        self._traits.figures[computed.name] = reader(computed)

    def _types(self, node: Node) -> tuple[str, ...] | None:
        written = [scalar(each) for each in items(node)]
        if [each.text for each in written] == [_ANY]:
            return None
        for each in written:
            if self._events and each.text not in self._events:
                what = f'The catalogue has no event type "{each.text}".'
                mend = nearest(each.text, self._events)
                self._problems.add("no-such-event", each.place, what, mend)
        return tuple(dict.fromkeys(each.text for each in written))

    def _names(self, types: tuple[str, ...] | None) -> Names:
        event = frozenset(types if types is not None else self._events or {_ANY})
        return Names(roots=frozenset({"event"}), event=event, catalogue=self._events or None)

    def _window(self, node: Node | None) -> Window | None:
        found = None if node is None else WINDOW.fullmatch(scalar(node).text)
        if found is None:
            return None
        return Window("d" if found[2] == "d" else "h", int(found[1]), self._zone)

    def _expression(self, written: Scalar, names: Names) -> tuple[Expression, Type]:
        return compile_expression(written, names, Reads(), self._problems)

    def _condition(self, written: Scalar, names: Names) -> Expression:
        return compile_condition(written, names, Reads(), self._problems)

    def _in_order(self, formulas: Mapping[str, Tree]) -> list[str]:
        """Each after the formulas it reads; those in a circle are a problem and come anywhere."""
        reads = {
            name: [each for each in traits_in(scalar(node["formula"])) if each in formulas]
            for name, node in formulas.items()
        }
        sorter = TopologicalSorter(reads)
        try:
            ordered = list(sorter.static_order())
        except CycleError as error:
            circle: list[str] = error.args[1]
            self._circle(sorted(set(circle)))
            return list(reads)
        self._check_size(ordered, reads, formulas)
        return ordered

    def _check_size(
        self, ordered: Iterable[str], reads: Mapping[str, list[str]], formulas: Mapping[str, Tree]
    ) -> None:
        """A formula is worked out when it is read, and those it reads each time: ten that read
        the one before ten times would be ten thousand million."""
        sizes: dict[str, int] = {}
        for name in ordered:
            sizes[name] = 1 + sum(sizes[each] for each in reads[name])
            if sizes[name] > FORMULAS_AT_MOST:
                what = f"To work this out more than {FORMULAS_AT_MOST} formulas are worked out."
                mend = "Read fewer other formulas, and each of them once."
                self._problems.add("too-deep", scalar(formulas[name]["formula"]).place, what, mend)
                return

    def _circle(self, names: list[str]) -> None:
        place = self._written[names[0]][0].place
        what = f"{', '.join(names)} are computed from each other in a circle."
        self._problems.add("traits-in-a-circle", place, what, "Let one of them stand alone.")


def traits_in(source: Scalar) -> list[str]:
    """The traits that an expression names, as often as it does; none of one that cannot be read."""
    try:
        return [path.steps[2] for path in paths_in(parse(source.text)) if _is_trait(path)]
    except Fault:
        return []


def paths_in(syntax: Syntax) -> Iterator[Path]:
    """Every path in an expression."""
    if isinstance(syntax, Path):
        yield syntax
    for part in parts_of(syntax):
        yield from paths_in(part)


def parts_of(syntax: Syntax) -> tuple[Syntax, ...]:
    """What an expression is made of, one level down."""
    match syntax:
        case Unary():
            return (syntax.operand,)
        case Binary():
            return (syntax.left, syntax.right)
        case Junction():
            return syntax.operands
        case Choose():
            return (syntax.test, syntax.yes, syntax.no)
        case Listing():
            return syntax.items
        case Call():
            return syntax.arguments
        case _:
            return ()


def _is_trait(path: Path) -> bool:
    return path.steps[:2] == ("profile", "traits") and len(path.steps) > 2


def _identity(name: str, node: Tree, zone: ZoneInfo) -> str:
    """A changed definition is another trait to those who keep figures: it starts anew."""
    written = orjson.dumps([plain(node), str(zone)], option=orjson.OPT_SORT_KEYS)
    return f"{name}/{hashlib.sha256(written).hexdigest()[:6]}"
