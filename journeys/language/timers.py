"""Timers of a stage: from `wait`, `at`, `days` or `until` to the model."""

from collections.abc import Collection
from typing import Literal

from .conditions import NOTHING, compile_expression
from .durations import parse_duration, parse_time_of_day
from .model import Do, Duration, Expression, Go, Timer, Workspace
from .names import Names, Reads
from .problems import Problems, nearest
from .signatures import words_of
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, scalar
from .ways import way

_MOMENTS = ("time", "date", "text", "any", "null")


class TimerCompiler:
    """Compiles the timers of one map."""

    def __init__(
        self, workspace: Workspace, stages: Collection[str], reads: Reads, problems: Problems
    ) -> None:
        self._workspace, self._stages = workspace, stages
        self._reads, self._problems = reads, problems
        self._noticed: Collection[str] = ()

    def compile(
        self, node: Tree, do: tuple[Do, ...], names: Names, noticed: Collection[str]
    ) -> Timer:
        """The timer; its `until` may look at `names`. `noticed` are the types that lines of its
        stage, lines anywhere, goals and exits notice."""
        self._noticed = noticed
        at = node.get("at")
        until = node.get("until")
        return Timer(
            wait=_duration(node, "wait"),
            at=None if at is None else parse_time_of_day(scalar(at).text),
            max=_duration(node, "max"),
            do=do,
            go=way(node, self._stages, self._problems),
            days=self._days(node),
            without=self._without(node),
            until=None if until is None else self._until(scalar(until), names),
            shift=_duration(node, "plus") or _back(_duration(node, "before")),
            on_past=self._on_past(node.get("on_past")),
        )

    def _days(self, node: Tree) -> tuple[str, ...]:
        written = [scalar(each) for each in items(node.get("days"))]
        for each in written:
            if each.text == "workday" and self._workspace.is_workday is None:
                what = "Which days are workdays is not said."
                mend = "Add `calendar:` with a country to wayline.yaml, such as `calendar: CN`."
                self._problems.add("calendar-missing", each.place, what, mend)
        return tuple(dict.fromkeys(each.text for each in written))

    def _without(self, node: Tree) -> frozenset[str]:
        """Each must be something that is noticed here: else its absence means nothing."""
        written = [scalar(each) for each in items(node.get("without"))]
        for each in written:
            if each.text not in self._noticed:
                what = f'Nothing here notices "{each.text}", so it makes no difference.'
                mend = nearest(each.text, self._noticed)
                self._problems.add("without-unnoticed", each.place, what, mend)
        return frozenset(each.text for each in written)

    def _until(self, written: Scalar, names: Names) -> Expression:
        expression, kind = compile_expression(written, names, self._reads, self._problems)
        if expression is not NOTHING and kind not in _MOMENTS:
            what = f"`until` takes a time or a date, and this is {words_of(kind)}."
            mend = "Name a trait or property that is one."
            self._problems.add("wrong-type", written.place, what, mend)
        return expression

    def _on_past(self, node: Node | None) -> Literal["go", "skip"] | Go | None:
        if node is None:
            return None
        if isinstance(node, Tree):
            found = way(node, self._stages, self._problems)
            assert found is not None
            return found
        return "skip" if scalar(node).text == "skip" else "go"


def _duration(node: Tree, word: str) -> Duration | None:
    found = node.get(word)
    return None if found is None else parse_duration(scalar(found).text)


def _back(duration: Duration | None) -> Duration | None:
    if duration is None:
        return None
    return Duration(f"-{duration.text}", -duration.millis, -duration.days, -duration.months)
