"""A compiled map as a Mermaid flowchart: the picture is a function of what the engine runs.

The same map gives the same text. Solid arrows are touchpoints and choices, dotted ones time; what
holds in every stage leaves a box of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import time
from typing import Any

from .computing import Segment
from .model import Choice, Duration, End, Expression, Go, Map, Split, Stage, Timer, To, Trigger
from .occasions import Dates, Schedule
from .occasions import said as said_of
from .segments import is_unnamed

EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` None: from outside; EVERYWHERE: from any stage. `target` None: she stays."""

    source: str | None
    target: Go | None
    label: str
    by_time: bool = False


def draw(map_: Map) -> str:
    """The flowchart, which ends with a line end."""
    edges = list(edges_of(map_))
    ids = _ids(map_, edges)
    lines = ["flowchart TD", '    enter(("enter"))']
    lines += [f"    {ids[name]}[{_quoted(_box(stage))}]" for name, stage in map_.stages.items()]
    if any(edge.source == EVERYWHERE for edge in edges):
        lines.append('    everywhere{{"in every stage"}}')
    lines += [
        f"    {node}([{_quoted(outcome.removeprefix(_END))}])"
        for outcome, node in ids.items()
        if outcome.startswith(_END)
    ]
    lines += [_arrow(edge, ids) for edge in edges]
    return "\n".join(lines) + "\n"


def edges_of(map_: Map) -> Iterator[Edge]:
    """Every way into, through and out of the map, in the order in which it is written."""
    for entry in map_.enter:
        yield Edge(None, To(map_.first), _words(entry, ("max_age",)))
    for stage in map_.stages.values():
        yield from _edges_from(stage)
    for goal in map_.goals:
        counted = f"goal {goal.name}: {_words(goal, ('name', 'value', 'then'))}"
        yield Edge(EVERYWHERE, goal.then, counted)
    for way_out in map_.exits:
        yield Edge(EVERYWHERE, End(way_out.outcome), _words(way_out, ("outcome",)))
    for line in map_.anywhere:
        yield Edge(EVERYWHERE, line.go, _words(line))


def _edges_from(stage: Stage) -> Iterator[Edge]:
    for field in fields(stage):
        value = getattr(stage, field.name)
        if field.name == "go":
            if value is not None:
                yield Edge(stage.name, value, "")
        else:
            for part in value if isinstance(value, tuple) else (value,):
                yield from _edges_by(stage, field.name, part)


def _edges_by(stage: Stage, word: str, part: Any) -> Iterator[Edge]:
    match part:
        case Choice():
            said = "else" if part.when is None else part.when.source
            yield Edge(stage.name, part.go, said)
        case Split():
            total = sum(arm.weight for arm in part.arms)
            for arm in part.arms:
                said = f"{part.name}: {arm.name}, {arm.weight} of {total}"
                yield Edge(stage.name, arm.go, said)
        case _ if word in ("on", "after"):
            yield Edge(stage.name, part.go, _words(part), by_time=isinstance(part, Timer))
            yield from _policies(stage, part)
        case _ if is_dataclass(part):
            yield from _policies(stage, part)


def _policies(stage: Stage, part: Any) -> Iterator[Edge]:
    """Ways on that stand inside something else: `on_unreachable: {to: call}`, `await: {else}`."""
    for field in fields(part):
        value = getattr(part, field.name)
        if field.name in ("go", "trigger"):
            continue
        if isinstance(value, To | End):
            why = _POLICIES.get(field.name) or _spaced(field.name)
            yield Edge(stage.name, value, f"{_deed(part)}: {why}", isinstance(part, Timer))
        elif isinstance(value, tuple):
            for each in value:
                if is_dataclass(each):
                    yield from _policies(stage, each)


_POLICIES = {"other": "does not leave", "on_past": "is past"}


def _box(stage: Stage) -> str:
    title = stage.name if stage.title == stage.name else f"{stage.name}: {stage.title}"
    return "\n".join([title, *(_deed(item) for item in stage.do)])


def _deed(item: Any) -> str:
    """`send how_was_it`, `task call`, `set tier`: the word, and the first name in it."""
    if isinstance(item, Timer):
        return _words(item, ("do",))
    word = type(item).__name__.lower()
    for name in ("template", "task", "type", "map", "name"):
        if value := getattr(item, name, None):
            return f"{'send' if name == 'template' else word} {value}"
    said = [_value(getattr(item, each.name)) for each in fields(item) if each.name != "place"]
    return " ".join([word, *(each for each in said if each)])


def _words(part: Any, left_out: tuple[str, ...] = ()) -> str:
    """What is written in a line, a timer or a trigger, but for where it leads."""
    if isinstance(part, Schedule | Dates):
        return said_of(part)
    if isinstance(part, Trigger) and part.segment is not None:
        return _state(part, part.segment)
    said = []
    if isinstance(part, Timer) and part.until is not None:
        said.append(_planned(part.until, part.shift))
    for field in sorted(fields(part), key=_order):
        value = getattr(part, field.name)
        if field.name in _APART or field.name in left_out:
            if field.name in ("trigger", "events"):
                said.append(_words(value) if is_dataclass(value) else ", ".join(value))
        elif not _is_default(field, value):
            said.append(_word(field.name, value))
    return " ".join(each for each in said if each)


def _state(trigger: Trigger, segment: Segment) -> str:
    """`segment lapsing`, or the condition where it stands alone."""
    alone = is_unnamed(segment)
    when = f" [{trigger.when.source}]" if trigger.when else ""
    return f"[{segment.when.source}]" if alone else f"{trigger.events[0]}{when}"


def _order(field: "Field[Any]") -> int:
    """Moments first, what is done last."""
    return _ORDER.get(field.name, 0)


def _planned(until: Expression, shift: Duration | None) -> str:
    """`24h before event.starts_at`."""
    if shift is None:
        return f"at {until.source}"
    back = shift.text.startswith("-")
    return f"{shift.text.lstrip('-')} {'before' if back else 'after'} {until.source}"


def _word(name: str, value: Any) -> str:
    match name:
        case "do":
            return "· " + ", ".join(_deed(item) for item in value)
        case "when":
            return f"[{_value(value)}]"
        case "key":
            return f"(one for each {_value(value)})"
        case "restart":
            return "· waits anew"
        case _ if value is True:
            return _spaced(name)
        case _:
            return f"{_NAMED.get(name, _spaced(name))} {_value(value)}"


_ORDER = {"schedule": -1, "date": -1, "do": 1, "restart": 1}
_NAMED = {"wait": "after", "max": "at most", "days": "on"}
_APART = ("go", "trigger", "events", "match", "place", "action", "until", "shift", "on_past")
"""Said in their own way, or not at all."""


def _value(value: Any) -> str:
    match value:
        case Expression():
            return value.source
        case Duration():
            return value.text
        case time():
            return value.isoformat("seconds" if value.second else "minutes")
        case Mapping():
            return ", ".join(str(name) for name in value)
        case tuple() | frozenset():
            return ", ".join(_value(each) for each in value)
        case None | bool() | To() | End():
            return ""
        case _ if is_dataclass(value):
            return _words(value)
        case _:
            return str(value)


def _is_default(field: "Field[Any]", value: Any) -> bool:
    if field.default is not MISSING:
        return bool(value == field.default)
    return value in (None, (), {})


def _spaced(name: str) -> str:
    return name.removeprefix("on_").replace("_", " ")


_END = "end:"


def _ids(map_: Map, edges: list[Edge]) -> dict[str, str]:
    """Stages by name, ends by outcome, numbered as they are written: names may hold anything."""
    ids = {name: f"s{index}" for index, name in enumerate(map_.stages)}
    for edge in edges:
        if isinstance(edge.target, End):
            ids.setdefault(_END + edge.target.outcome, f"e{len(ids) - len(map_.stages)}")
    return ids


def _arrow(edge: Edge, ids: dict[str, str]) -> str:
    source = "enter" if edge.source is None else ids.get(edge.source, EVERYWHERE)
    match edge.target:
        case To(stage):
            target = ids[stage]
        case End(outcome):
            target = ids[_END + outcome]
        case None:
            target = source
    line = "-.->" if edge.by_time else "-->"
    return f"    {source} {line}{'|' + _quoted(edge.label) + '|' if edge.label else ''} {target}"


def _quoted(text: str) -> str:
    """In quotes; Mermaid writes what it would read itself as numbered entities."""
    return '"' + "".join(_ENTITIES.get(char, char) for char in text) + '"'


_ENTITIES = {
    "#": "#35;",
    '"': "#quot;",
    "<": "#lt;",
    ">": "#gt;",
    "&": "#amp;",
    "`": "#96;",
    "\n": "<br/>",
}
