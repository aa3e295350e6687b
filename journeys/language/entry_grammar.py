"""The words of an entry: what lets a person in."""

from collections.abc import Mapping as AnyMapping

from . import tree
from .occasion_reading import cron_fault
from .problems import Problems
from .segments import type_noticed
from .shapes import (
    Check,
    Shape,
    day,
    expression,
    one_or_list,
    only_true,
    positive_duration,
    time_of_day,
    word,
)
from .tree import Node, Scalar

_DAYS = word("mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday")


def cron(node: Node, problems: Problems) -> None:
    """Five fields that some day fits."""
    text = node.text if isinstance(node, Scalar) else ""
    fault = cron_fault(text)
    if fault is not None:
        what = f'"{text}" is no cron schedule: {fault}.'
        mend = 'Write one such as "0 10 1 * *", ten o\'clock on the first of each month.'
        problems.add("bad-cron", node.place, what, mend)


SCHEDULE = Shape(
    "a schedule",
    {"at": time_of_day, "days": one_or_list(_DAYS, "days"), "on": day, "cron": cron},
    alone=(("cron", "at"), ("cron", "days", "on")),
    some=(("at", "cron"),),
)
_KINDS = ("event", "request", "segment", "left", "schedule", "date")


def entry_shape(trigger: AnyMapping[str, Check]) -> Shape:
    """The shape of an entry, whose triggers are these."""
    return Shape(
        "an entry",
        {
            **trigger,
            "schedule": SCHEDULE,
            "date": expression,
            "every": word("year", "month"),
            "before": positive_duration,
            "plus": positive_duration,
            "at": time_of_day,
            "request": only_true,
            "existing": word("enter", "ignore"),
            "spread": positive_duration,
            "key": expression,
            "max_age": positive_duration,
        },
        alone=(_KINDS, ("before", "plus")),
        some=((*_KINDS, "when"),),
    )


def check_beside(node: Node, problems: Problems) -> None:
    """Words that mean nothing beside what lets her in are refused."""
    if not isinstance(node, tree.Mapping):
        return
    if "date" not in node:
        for given in ("every", "before", "plus", "at"):
            mend = "Put it into `schedule: {...}`." if given == "at" else "Leave it out."
            _does_nothing(given, "there is no `date`", mend, node, problems)
    if "existing" in node and not _is_by_state(node):
        reason = "it concerns those who are in a segment already"
        _does_nothing("existing", reason, "Leave it out.", node, problems)
    elif "schedule" not in node and not _lets_in_existing(node):
        reason = "only a schedule or `existing: enter` lets many in at once"
        _does_nothing("spread", reason, "Leave it out.", node, problems)


def _is_by_state(node: tree.Mapping) -> bool:
    """Whether it is a segment or a condition that lets her in."""
    words = ("segment", "left", "when")
    return all(isinstance(node.get(each), Scalar | None) for each in words) and bool(
        type_noticed(node)
    )


def _lets_in_existing(node: tree.Mapping) -> bool:
    written = node.get("existing")
    return isinstance(written, Scalar) and written.text == "enter"


def _does_nothing(
    given: str, reason: str, mend: str, node: tree.Mapping, problems: Problems
) -> None:
    if given in node:
        what = f"`{given}` does nothing here, for {reason}."
        problems.add("one-way-on", node.key(given).place, what, mend)
