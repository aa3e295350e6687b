"""What a map means that its designer cannot have meant: checked when all its names are right."""

from collections.abc import Iterable, Iterator

from .durations import roughly_ms
from .model import Do, End, Go, Map, Send, Stage, Timer, To
from .problems import Problems
from .tree import Mapping as Tree
from .tree import items, mapping


def check_meaning(map_: Map, root: Tree, problems: Problems) -> None:
    """Adds a problem for each stage, loop and timer that cannot be meant."""
    stages = mapping(root["stages"])
    _check_reachable(map_, stages, problems)
    _check_leavable(map_, stages, problems)
    _check_loops(map_, stages, problems)
    for stage in map_.stages.values():
        written = mapping(stages[stage.name])
        _check_restarts(map_, stage, written, problems)
        _check_order(stage, written, problems)


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
    trail: list[str] = []
    pending: list[tuple[str, Iterator[str]]] = []

    def enter(name: str) -> None:
        done.add(name)
        trail.append(name)
        pending.append((name, iter(passing[name])))

    if start not in done:
        enter(start)
    while pending:
        following = next(pending[-1][1], None)
        if following is None:
            pending.pop()
            trail.pop()
        elif following in trail:
            return [*trail[trail.index(following) :], following]
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
    for index, timer in enumerate(stage.after):
        for other in stage.after:
            if other is not timer and other.go and _always_before(other, timer):
                what = "This timer never fires: another one always leads on before it."
                mend = "Give it a shorter wait, or take it away."
                place = mapping(nodes[index]).entries[0][0].place
                problems.add("timer-never-fires", place, what, mend)
                break


def _always_before(first: Timer, second: Timer) -> bool:
    if first.wait is None or second.wait is None or first.at != second.at:
        return False
    if first.days or second.days:
        return False
    if first.wait.is_calendar != second.wait.is_calendar:
        return False
    return roughly_ms(first.wait) < roughly_ms(second.wait)


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
