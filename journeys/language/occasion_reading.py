"""Schedules and dates of entries: from the tree to the model; what is wrong with a cron line."""

from dataclasses import replace
from datetime import date, datetime, time

from cronsim import CronSim, CronSimError

from .conditions import NOTHING, compile_expression
from .durations import parse_duration, parse_time_of_day
from .names import Names, Reads
from .occasions import Dates, Schedule
from .parts import Duration
from .problems import Problems
from .signatures import words_of
from .tree import Mapping as Tree
from .tree import Scalar, items, mapping, scalar

_CRON_FIELDS = 5
_SOME_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a cron line is asked about local times
_MOMENTS = ("time", "date", "text", "any", "null")


def read_schedule(node: Tree, is_workday: object, problems: Problems) -> Schedule | None:
    """The `schedule` of an entry; None where it has none."""
    if "schedule" not in node:
        return None
    written = mapping(node["schedule"])
    days = [scalar(each) for each in items(written.get("days"))]
    for each in days:
        if each.text == "workday" and is_workday is None:
            what = "Which days are workdays is not said."
            mend = "Add `calendar:` with a country to wayline.yaml, such as `calendar: CN`."
            problems.add("calendar-missing", each.place, what, mend)
    on, cron = written.get("on"), written.get("cron")
    return Schedule(
        at=_time(written),
        days=tuple(dict.fromkeys(each.text for each in days)),
        on=None if on is None else date.fromisoformat(scalar(on).text),
        cron="" if cron is None else " ".join(scalar(cron).text.split()),
    )


def read_dates(node: Tree, names: Names, reads: Reads, problems: Problems) -> Dates | None:
    """The `date` of an entry, which looks at the profile alone; None where it has none."""
    if "date" not in node:
        return None
    written = scalar(node["date"])
    value, kind = compile_expression(
        written, replace(names, roots=frozenset({"profile"})), reads, problems
    )
    if value is not NOTHING and kind not in _MOMENTS:
        what = f"`date` takes a time or a date, and this is {words_of(kind)}."
        problems.add("wrong-type", written.place, what, "Name a trait that is one.")
    every = "" if "every" not in node else scalar(node["every"]).text
    return Dates(
        value,
        "year" if every == "year" else "month" if every == "month" else None,
        _duration(node, "plus") or _back(_duration(node, "before")),
        _time(node),
    )


def cron_fault(text: str) -> str | None:
    """What is wrong with a cron schedule, in its library's words; None if nothing is."""
    if len(text.split()) != _CRON_FIELDS:
        return "it has five fields: minute, hour, day of month, month, weekday"
    try:
        next(CronSim(text, _SOME_DAY))
    except CronSimError as error:
        return str(error).lower()
    except StopIteration:
        return "no such day comes within 50 years"
    return None


def _time(node: Tree) -> time | None:
    return None if "at" not in node else parse_time_of_day(scalar(node["at"]).text)


def _duration(node: Tree, word: str) -> Duration | None:
    found = node.get(word)
    return parse_duration(found.text) if isinstance(found, Scalar) else None


def _back(duration: Duration | None) -> Duration | None:
    if duration is None:
        return None
    return Duration(f"-{duration.text}", -duration.millis, -duration.days, -duration.months)
