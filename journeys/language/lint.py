"""What a map means that its designer cannot have meant: checked when all its names are right."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from .durations import roughly_ms
from .hints import check_hints
from .letting_out import check_letting_out
from .model import Do, End, Go, Map, Send, Stage, Timer, To, Workspace
from .problems import Problems
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, mapping


def check_meaning(map_: Map, root: Tree, workspace: Workspace, problems: Problems) -> None:
    """Adds a problem for each stage, loop, timer and action that cannot be meant, and warnings."""
    stages, before = mapping(root["stages"]), len(problems)
    _check_reachable(map_, stages, problems)
    _check_leavable(map_, stages, problems)
    _check_loops(map_, stages, problems)
    if len(problems) == before:
        _check_ends(map_, stages, problems)
    for stage in map_.stages.values():
        written = mapping(stages[stage.name])
        _check_restarts(map_, stage, written, problems)
        _check_order(stage, written, problems)
    _check_outcomes(map_, root, problems)
    check_letting_out(map_, root, workspace, problems)
    check_hints(map_, root, workspace, problems)


def _check_reachable(map_: Map, written: Tree, problems: Problems) -> None:
    shared = [goal.then for goal in map_.goals] + [line.go for line in map_.anywhere]
    shared_detours = [go for line in map_.anywhere for go in _branches(line.do)]
    waiting = [map_.first, *_targets(shared)]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            stage = map_.stages[name]
            waiting.extend(_targets([*_ways(stage), *_detours(stage), *shared_detours]))
    for name in map_.stages:
        if name not in reached:
            what = f'Nobody can reach the stage "{name}".'
            mend = "Lead somebody to it by `to`, or take it away."
            problems.add("unreachable-stage", written.key(name).place, what, mend)


def _check_leavable(map_: Map, written: Tree, problems: Problems) -> None:
    leaves_anywhere = (
        any(goal.then for goal in map_.goals)
        or any(line.go for line in map_.anywhere)
        or bool(map_.exits)
    )
    for name, stage in map_.stages.items():
        rests = bool(stage.on or stage.after)
        if any(_ways(stage)) or (rests and leaves_anywhere):
            continue
        what = f'Nobody can leave the stage "{name}".'
        mend = "Add `to`, `end`, `choose`, a line or a timer that leads on."
        problems.add("stage-cannot-be-left", written.key(name).place, what, mend)


def _check_ends(map_: Map, written: Tree, problems: Problems) -> None:
    """From every stage some end can be reached; one message for all from which none can."""
    shared = [goal.then for goal in map_.goals] + [line.go for line in map_.anywhere]
    if map_.exits or any(isinstance(go, End) for go in shared):
        return
    ways = {
        name: [*_ways(stage), *_detours(stage), *(go for go in shared if go)]
        for name, stage in map_.stages.items()
    }
    leading: defaultdict[str, list[str]] = defaultdict(list)
    for name, found in ways.items():
        for target in _targets(found):
            leading[target].append(name)
    waiting = [name for name, found in ways.items() if any(isinstance(go, End) for go in found)]
    ending = set(waiting)
    while waiting:
        more = [name for name in leading[waiting.pop()] if name not in ending]
        ending.update(more)
        waiting += more
    endless = next((name for name in map_.stages if name not in ending), None)
    if endless is not None:
        what = f'Who comes to the stage "{endless}" is in this map for ever.'
        mend = "Let some way lead to `end: outcome`, or add an exit."
        problems.add("never-ends", written.key(endless).place, what, mend)


def _check_outcomes(map_: Map, root: Tree, problems: Problems) -> None:
    """`end: ask` beside a stage `ask`: mostly `to` was meant. A stage that is nothing but the end
    of its name means the same either way."""
    for key, node in mapping(root["stages"]).entries:
        for written in _ends(mapping(node)):
            found = map_.stages.get(written.text)
            if found is None or found.name == key.text or found.go == End(found.name):
                continue
            what = f'This ends with the outcome "{written.text}", and a stage is called so too.'
            mend = f"Write `to: {written.text}` to lead there, or give the outcome another name."
            problems.add("outcome-is-a-stage", written.place, what, mend)


def _ends(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Tree):
        for key, each in node.entries:
            if key.text == "end" and isinstance(each, Scalar):
                yield each
            elif key.text not in ("with", "set"):
                yield from _ends(each)
    elif not isinstance(node, Scalar):
        for each in node.items:
            yield from _ends(each)


def _check_loops(map_: Map, written: Tree, problems: Problems) -> None:
    """A circle of stages in which nobody rests would be walked for ever (rule 18)."""
    passing = {
        name: list(_targets([*_ways(stage), *_branches(stage.do)]))
        for name, stage in map_.stages.items()
        if not (stage.on or stage.after)
    }
    done: set[str] = set()
    for name in passing:
        circle = _circle(name, passing, done)
        if circle:
            what = f"{' → '.join(circle)} goes round without a rest."
            mend = "Put a stage with `after` or `on` into the circle."
            problems.add("loop-without-rest", written.key(circle[0]).place, what, mend)


def _circle(start: str, passing: dict[str, list[str]], done: set[str]) -> list[str]:
    """The first circle found from here, closed by its first stage again; each stage once."""
    trail: dict[str, None] = {}
    pending: list[tuple[str, Iterator[str]]] = []

    def enter(name: str) -> None:
        done.add(name)
        trail[name] = None
        pending.append((name, iter(passing[name])))

    if start not in done:
        enter(start)
    while pending:
        following = next(pending[-1][1], None)
        if following is None:
            pending.pop()
            trail.popitem()
        elif following in trail:
            names = list(trail)
            return [*names[names.index(following) :], following]
        elif following in passing and following not in done:
            enter(following)
    return []


def _check_restarts(map_: Map, stage: Stage, written: Tree, problems: Problems) -> None:
    if stage.awaits or not any(line.restart for line in (*stage.on, *map_.anywhere)):
        return
    for timer, node in zip(stage.after, items(written.get("after")), strict=True):
        if timer.wait is not None and timer.max is None:
            what = "A line restarts this timer, so it may wait for ever."
            mend = "Add `max: ...`, counted from the arrival."
            problems.add("max-missing", mapping(node).entries[0][0].place, what, mend)


def _check_order(stage: Stage, written: Tree, problems: Problems) -> None:
    nodes = items(written.get("after"))
    some = stage.after[:_TIMERS_COMPARED]
    for index, timer in enumerate(some[: len(nodes)]):
        for place_of_other, other in enumerate(some):
            if (
                other is not timer
                and other.go
                and _always_before(other, timer, is_first=place_of_other < index)
            ):
                what = "This timer never fires: another one always leads on before it."
                mend = "Give it a shorter wait, or take it away."
                place = mapping(nodes[index]).entries[0][0].place
                problems.add("timer-never-fires", place, what, mend)
                break


_TIMERS_COMPARED = 100
"""Each with each, of one stage."""


def _always_before(first: Timer, second: Timer, is_first: bool) -> bool:
    """Whether the one is due before the other whenever she arrives; of two that are due at once
    the one that `is_first` in the stage fires."""
    if first.wait is None or second.wait is None or first.without:
        return False
    if first.days or second.days or (second.max is not None and second.max != first.max):
        return False
    if first.wait.is_calendar != second.wait.is_calendar:
        return False
    waits = roughly_ms(first.wait), roughly_ms(second.wait)
    if first.at == second.at:
        return waits[0] < waits[1] or (waits[0] == waits[1] and is_first)
    if not first.wait.is_calendar or first.wait.months or second.wait.months:
        return False
    # The one is due on an earlier day, or earlier on the same.
    on_time = first.at is not None and second.at is not None and first.at < second.at
    return waits[0] < waits[1] or (waits[0] == waits[1] and on_time)


def _ways(stage: Stage) -> list[Go]:
    found = [
        *(line.go for line in stage.on),
        *(timer.go for timer in stage.after),
        *(timer.on_past for timer in stage.after if isinstance(timer.on_past, To | End)),
        *(choice.go for choice in stage.choose),
        *(arm.go for arm in (stage.split.arms if stage.split else ())),
        stage.go,
    ]
    return [go for go in found if go is not None]


def _detours(stage: Stage) -> list[Go]:
    """Where she goes when something she is to be sent may not leave."""
    does = (stage.do, *(line.do for line in stage.on), *(timer.do for timer in stage.after))
    return [go for do in does for go in _branches(do)]


def _branches(do: Iterable[Do]) -> list[Go]:
    sends = [item for item in do if isinstance(item, Send)]
    policies = [
        (send.on_quiet, send.on_capped, send.on_unreachable, send.on_failed) for send in sends
    ]
    return [policy for each in policies for policy in each if isinstance(policy, To | End)]


def _targets(ways: list[Go | None] | list[Go]) -> Iterator[str]:
    return (go.stage for go in ways if isinstance(go, To))
