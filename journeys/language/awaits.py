"""`await`: a stage that waits for what becomes of its last action, said in lines and a timer."""

from collections.abc import Collection, Iterable

from .durations import parse_duration
from .gate_grammar import AWAITED
from .model import Await, Do, Exit, Go, Goal, Line, Send, Stage, Task, Timer, Trigger
from .names import result_type
from .problems import Problems
from .tree import Mapping as Tree
from .tree import Scalar, mapping, scalar
from .ways import otherwise, way

_LATER = {
    "accepted": ("accepted", "delivered", "done", "clicked", "replied"),
    "delivered": ("delivered", "done", "clicked", "replied"),
}
"""What says besides that a result is there: who clicked has got it, told or not."""

_LOST = ("failed", "expired", "declined")

Awaiting = tuple[Await | None, tuple[Line, ...], tuple[Timer, ...]]


def read_await(
    node: Tree, do: tuple[Do, ...], stages: Collection[str], problems: Problems
) -> Awaiting:
    """The `await` of a stage, with the lines and the timer it stands for; nothing without one."""
    if "await" not in node:
        return None, (), ()
    written, last = mapping(node["await"]), do[-1] if do else None
    result = next(key for key, _ in written.entries if key.text in AWAITED)
    go, other = way(written, stages, problems), otherwise(written, stages, problems)
    assert go is not None
    if not isinstance(last, Send | Task):
        what = "There is nothing to await: the last thing this stage does sends nothing."
        mend = "End its `do` with a `send` or a `task`."
        problems.add("nothing-to-await", node.key("await").place, what, mend)
        return None, (), ()
    timers = _timers(scalar(written[result.text]), last, other, problems)
    lines = (
        Line(_results(_LATER.get(result.text, (result.text,)), last.place), go=go),
        Line(_results(_LOST, last.place), go=other),
    )
    return Await(last.place, result.text, go, other), lines, timers


def looks_at_results(noticing: Iterable[Goal | Exit | Line], stages: Iterable[Stage]) -> bool:
    """Whether anything in a map needs to know what becomes of its actions."""
    stages = tuple(stages)
    lines = [*noticing, *(line for stage in stages for line in stage.on)]
    if any(each.trigger.action for each in lines):
        return True
    does = [stage.do for stage in stages] + [t.do for stage in stages for t in stage.after]
    does += [each.do for each in lines if isinstance(each, Line)]
    return any(
        isinstance(item, Task) or (isinstance(item, Send) and item.on_failed != "skip")
        for do in does
        for item in do
    )


def _results(results: tuple[str, ...], place: str) -> Trigger:
    types = tuple(result_type(each) for each in results)
    return Trigger(types, match=dict.fromkeys(types), action=True, place=place)


def _timers(written: Scalar, last: Send | Task, other: Go, problems: Problems) -> tuple[Timer, ...]:
    """Past its sla a task expires by itself."""
    if written.text != "sla":
        return (Timer(wait=parse_duration(written.text), go=other),)
    if isinstance(last, Send):
        what = "Only a task has an `sla`."
        problems.add("nothing-to-await", written.place, what, "Write how long: `replied: 3d`.")
    return ()
