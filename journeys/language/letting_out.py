"""Actions that quiet hours never let out: those that are always due at a quiet time of the day.

Times of the day are those where the person is, for timers and quiet hours go by the same clock.
Only what is known for sure counts: a stage that may be entered at any time has none.
"""

from collections.abc import Iterable, Mapping
from datetime import time

from .durations import roughly_ms
from .model import Go, Map, QuietHours, Send, Stage, Timer, To, Workspace
from .problems import Problems
from .tree import Mapping as Tree
from .tree import Node, items, mapping
from .walk import within

_DAY = 86_400_000

Times = frozenset[time] | None
"""At which times of the day somebody comes there; None: at any."""


def check_letting_out(map_: Map, root: Tree, workspace: Workspace, problems: Problems) -> None:
    """Adds a problem for each send that is due only while it may not leave, and is over by then."""
    if not workspace.quiet_hours:
        return
    arrivals = _arrivals(map_)
    for stage in map_.stages.values():
        due = [(stage.do, arrivals[stage.name])]
        due += [(timer.do, _times_of(timer)) for timer in stage.after]
        for do, times in due:
            send = do[0] if do else None
            if isinstance(send, Send) and times and _never_leaves(send, times, workspace):
                _report(send, times, root, problems)


def _report(send: Send, times: Iterable[time], root: Tree, problems: Problems) -> None:
    hours = " or ".join(f"{each:%H:%M}" for each in sorted(times))
    what = f"This message is due at {hours}, which is quiet, and it never leaves."
    mend = "Let it be due at another time, or expire later than the quiet hours end."
    written = _node(root, send.place)
    problems.add("never-leaves", written.key("send").place, what, mend)


def _node(root: Tree, place: str) -> Tree:
    node: Node = root["stages"]
    for step in place.split("/"):
        if isinstance(node, Tree) and step in node:
            node = node[step]
        elif step.isdigit():
            node = items(node)[int(step)]
    return mapping(node)


def _never_leaves(send: Send, times: Iterable[time], workspace: Workspace) -> bool:
    template = workspace.templates[send.template]
    channels = [each for each in send.channels if each in template.channels]
    waits = [
        _quiet_for(workspace.quiet_hours, send.class_, channel, each)
        for each in times
        for channel in channels
    ]
    if not waits or not all(waits):
        return False
    match send.on_quiet:
        case "hold":
            within = None if send.expires_after is None else roughly_ms(send.expires_after)
            return within is not None and min(waits) > within
        case "skip" | "other_channel":
            return True
        case _:
            return False  # another way was thought of


def _quiet_for(hours: Iterable[QuietHours], class_: str, channel: str, at: time) -> int:
    """How long it is still quiet at this time of the day, in ms; 0 where it is not."""
    concerning = [
        each
        for each in hours
        if each.class_ == class_ and (channel in each.channels or not each.channels)
    ]
    start = reached = _millis(at)
    while True:
        more = max((_rest(each, reached % _DAY) for each in concerning), default=0)
        if not more:
            return reached - start
        reached += more


def _rest(hours: QuietHours, moment: int) -> int:
    start, end = _millis(hours.start), _millis(hours.end)
    if start < end:
        return end - moment if start <= moment < end else 0
    return (end - moment) % _DAY if moment >= start or moment < end else 0


def _millis(at: time) -> int:
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1000


def _arrivals(map_: Map) -> Mapping[str, Times]:
    """By stage; what is not reached yet while looking has no times."""
    found: dict[str, Times] = dict.fromkeys(map_.stages, frozenset())
    found[map_.first] = None
    shared = [goal.then for goal in map_.goals] + [line.go for line in map_.anywhere]
    for go in shared:
        if isinstance(go, To):
            found[go.stage] = None
    changed = True
    while changed:
        changed = False
        for stage in map_.stages.values():
            for target, times in _leading(stage, found[stage.name]):
                joined = _joined(found[target], times)
                changed = changed or joined != found[target]
                found[target] = joined
    return found


def _joined(one: Times, other: Times) -> Times:
    return None if one is None or other is None else one | other


def _leading(stage: Stage, arrival: Times) -> list[tuple[str, Times]]:
    """Where the ways on lead, and when."""
    at_once: list[Go | None] = [stage.go, *(choice.go for choice in stage.choose)]
    at_once += [arm.go for arm in (stage.split.arms if stage.split else ())]
    any_time: list[object] = [line.go for line in stage.on]
    any_time += [timer.on_past for timer in stage.after]
    for part in within(stage):
        if isinstance(part, Send):
            any_time += [part.on_quiet, part.on_capped, part.on_unreachable, part.on_failed]
    # A message of the stage that is held lets her go on later than she came.
    passing: Times = None if any(isinstance(each, Send) for each in stage.do) else arrival
    ways: list[tuple[object, Times]] = [(go, passing) for go in at_once]
    ways += [(go, None) for go in any_time]
    ways += [(timer.go, None if timer.do else _times_of(timer)) for timer in stage.after]
    return [(go.stage, times) for go, times in ways if isinstance(go, To)]


def _times_of(timer: Timer) -> Times:
    """When it fires: at its `at`, where nothing moves it from that."""
    moves = timer.max or timer.without or (timer.shift and not timer.shift.is_calendar)
    if timer.at is None or moves or timer.on_past == "go":
        return None
    return frozenset({timer.at})
