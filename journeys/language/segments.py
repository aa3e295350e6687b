"""Segments: conditions on the profile alone, and when time alone may change them.

A trigger by `when` alone is a segment without a name of the designer's: `enter`, lines, goals and
exits notice both alike, as touchpoints of these types, which no sender can write.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .bytecode import emit
from .catalogue import section
from .computing import Segment
from .conditions import NOTHING, compile_condition
from .functions import to_time
from .lexer import Fault
from .model import Workspace
from .names import Names, Reads
from .parser import Binary, Call, Literal, Path, Syntax, parse
from .problems import Problems, nearest
from .scope import Scope
from .traits import Traits, parts_of
from .tree import Mapping as Tree
from .tree import Node, Scalar, mapping, scalar

_UNNAMED = re.compile(r"when-[0-9a-f]{8}")
_BY_DAY = frozenset({"days_since", "days_until", "months_since", "date", "weekday"})
_BY_CLOCK = {"hours_since": 3_600_000, "minutes_since": 60_000}
_COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})


def came_in(name: str) -> str:
    """The type of the touchpoint by which somebody enters the segment."""
    return f"segment {name}"


def went_out(name: str) -> str:
    """The type of the touchpoint by which somebody leaves it."""
    return f"left {name}"


def unnamed(condition: Scalar) -> str:
    """The name of the segment that a condition alone is."""
    return f"when-{hashlib.sha256(condition.text.encode()).hexdigest()[:8]}"


def is_unnamed(segment: Segment) -> bool:
    """Whether it is a condition alone."""
    return _UNNAMED.fullmatch(segment.name) is not None


def type_noticed(node: Tree) -> str | None:
    """The type that a trigger by segment or condition alone notices; None for any other."""
    if "segment" in node:
        return came_in(scalar(node["segment"]).text)
    if "left" in node:
        return went_out(scalar(node["left"]).text)
    others = ("event", "request", "action", "schedule", "date")
    if "when" in node and not any(word in node for word in others):
        return came_in(unnamed(scalar(node["when"])))
    return None


def is_alone(node: Tree) -> bool:
    """Whether the trigger is its condition."""
    return type_noticed(node) is not None and "segment" not in node and "left" not in node


def read_segments(
    catalogues: Iterable[Node], traits: Traits, problems: Problems
) -> dict[str, Segment]:
    """The `segments:` of all files, by name; one declared twice is a problem."""
    found: dict[str, Segment] = {}
    compiler = SegmentCompiler(traits.types or None, traits, problems)
    for file in catalogues:
        for key, node in section(file, "segments").entries:
            if key.text in found:
                what = f'The segment "{key.text}" is declared twice.'
                problems.add("duplicate-name", key.place, what, "Keep one of them.")
            found[key.text] = compiler.compile(key.text, scalar(mapping(node)["when"]))
    return found


def names_of(segments: Mapping[str, Segment]) -> Callable[[Scope], list[str]]:
    """Reads the names of those she is in as of the scope's moment."""

    def read(scope: Scope) -> list[str]:
        return [name for name, each in segments.items() if each.when.run(scope) is True]

    return read


class SegmentCompiler:
    """Compiles conditions on the profile alone."""

    def __init__(self, types: Mapping[str, str] | None, traits: Traits, problems: Problems) -> None:
        self._traits, self._problems = traits, problems
        self._names = Names(
            roots=frozenset({"profile", "now"}), traits=types, figures=traits.figures
        )

    def compile(self, name: str, written: Scalar) -> Segment:
        """The segment; a problem is added where nothing says when time alone changes it."""
        when = compile_condition(written, self._names, Reads(), self._problems)
        identity = f"{name}/{hashlib.sha256(written.text.encode()).hexdigest()[:6]}"
        if when is NOTHING:
            return Segment(name, identity, when)
        timing = _Timing(self._names, self._traits)
        try:
            timing.look(parse(written.text))
        except Fault as fault:
            place = written.part(fault.start, fault.length)
            self._problems.add(fault.code, place, fault.what, fault.mend)
        return Segment(name, identity, when, frozenset(timing.units), tuple(timing.moments))


class _Timing:
    """Collects when time alone may change what a condition says."""

    def __init__(self, names: Names, traits: Traits) -> None:
        self._names, self._traits = names, traits
        self.units: set[str] = set()
        self.moments: list[Callable[[Scope], int | None]] = []

    def look(self, syntax: Syntax) -> None:
        """Raises Fault where it cannot be told."""
        if isinstance(syntax, Binary) and self._crosses(syntax):
            return
        if isinstance(syntax, Call) and syntax.function in _BY_DAY:
            self.units.add("d")
            return
        if isinstance(syntax, Call) and syntax.function == "hour":
            self.units.add("h")
            return
        if isinstance(syntax, Call) and syntax.function in _BY_CLOCK:
            raise _unclear(syntax)
        if isinstance(syntax, Path):
            self._path(syntax)
        for part in parts_of(syntax):
            self.look(part)

    def _crosses(self, syntax: Binary) -> bool:
        """`hours_since(x) >= 48`: it changes 48 hours after x."""
        sides = (syntax.left, syntax.right)
        calls = [each for each in sides if isinstance(each, Call) and each.function in _BY_CLOCK]
        numbers = [each for each in sides if isinstance(each, Literal)]
        if not calls or not numbers or syntax.sign not in _COMPARISONS:
            return False
        call, number = calls[0], numbers[0].value
        if not isinstance(number, int | float):
            return False
        run, _ = emit(call.arguments[0], self._names, Reads())
        self.moments.append(_after(run, round(number * _BY_CLOCK[call.function])))
        return True

    def _path(self, path: Path) -> None:
        if path.steps == ("now",):
            raise _unclear(path)
        computed = self._traits.computed.get(path.steps[-1]) if _is_trait(path) else None
        if computed is not None and computed.window is not None:
            self.units.add(computed.window.unit)
        if computed is not None and computed.how == "formula" and computed.value is not None:
            self.look(parse(computed.value.source))


def _after(run: Callable[[Scope], Any], millis: int) -> Callable[[Scope], int | None]:
    def moment(scope: Scope) -> int | None:
        found = to_time(run(scope), scope.zone)
        return None if found is None else found + millis

    return moment


def _is_trait(path: Path) -> bool:
    return path.steps[:2] == ("profile", "traits") and len(path.steps) == 3


def _unclear(syntax: Call | Path) -> Fault:
    what = "Nothing says when time alone changes this."
    mend = "Compare `hours_since(...)` or `minutes_since(...)` with a number, or use days."
    return Fault("moment-unclear", syntax.start, syntax.length, what, mend)


class Watching:
    """The segments that the triggers of one map name, or are."""

    def __init__(self, workspace: Workspace, problems: Problems) -> None:
        self._workspace, self._problems = workspace, problems
        traits = Traits(
            dict(workspace.traits or {}), dict(workspace.computed), dict(workspace.figures)
        )
        self._compiler = SegmentCompiler(workspace.traits, traits, problems)
        self.found: dict[str, Segment] = {}
        """By name, in the order in which they are met."""

    def of(self, node: Tree) -> Segment | None:
        """The segment of a trigger; None for one that notices touchpoints."""
        if type_noticed(node) is None:
            return None
        written = node.get("segment") or node.get("left")
        if written is None:
            condition = scalar(node["when"])
            found: Segment | None = self._compiler.compile(unnamed(condition), condition)
        else:
            found = self._named(scalar(written))
        if found is not None:
            self.found.setdefault(found.name, found)
        return found

    def _named(self, written: Scalar) -> Segment | None:
        found = self._workspace.segments.get(written.text)
        if found is None:
            what = f'There is no segment "{written.text}".'
            mend = nearest(written.text, self._workspace.segments)
            self._problems.add("no-such-segment", written.place, what, mend)
        return found
