"""What a compiled condition calls while it runs. Every function is total: what fails is null.

JSON's numbers are CEL's doubles and ints at once, so truth is told apart from numbers everywhere
(Python's `True == 1`), and integers end where CEL's do, at 64 bits.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from .scope import Noticed, Scope

# A condition of 4 kB could add up its texts to hundreds of megabytes.
_TEXT_LIMIT = 65_536
_LIST_LIMIT = 10_000

# JSON's numbers are of exactly these classes: looking them up makes comparing five times as fast.
_NUMBERS = frozenset({int, float})

_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANYWHERE = ZoneInfo("UTC")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


def own(noticed: Noticed | None, name: str) -> Any:
    """`id`, `type`, `time`, `channel` or `source` of a touchpoint, if there is one."""
    return None if noticed is None else getattr(noticed, name)


def prop(noticed: Noticed | None, name: str) -> Any:
    """A touchpoint's property."""
    return None if noticed is None else noticed.properties.get(name)


def member(value: Any, name: str) -> Any:
    """A step into an object."""
    return value.get(name) if isinstance(value, Mapping) else None


def equal(left: Any, right: Any) -> bool:
    """CEL's equality: 1 equals 1.0, and neither equals true nor '1'."""
    if left.__class__ is bool or right.__class__ is bool:
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


def less(left: Any, right: Any) -> bool:
    """Of two numbers or two texts; false for anything else."""
    kind = left.__class__
    if kind in _NUMBERS:
        return right.__class__ in _NUMBERS and bool(left < right)
    return kind is str and right.__class__ is str and bool(left < right)


def at_most(left: Any, right: Any) -> bool:
    """Of two numbers or two texts; false for anything else."""
    kind = left.__class__
    if kind in _NUMBERS:
        return right.__class__ in _NUMBERS and bool(left <= right)
    return kind is str and right.__class__ is str and bool(left <= right)


def contained(item: Any, container: Any) -> bool:
    """`in`: never true for null."""
    if item is None or not isinstance(container, list):
        return False
    return any(equal(item, each) for each in container)


def contains(container: Any, item: Any) -> bool:
    """A list's member or a text's part."""
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    return contained(item, container)


def matches(text: Any, pattern: Any) -> bool:
    """Whether RE2 finds the pattern anywhere in the text."""
    return isinstance(text, str) and pattern.search(text) is not None


def add(left: Any, right: Any) -> Any:
    """Sum of numbers, or texts or lists one after the other."""
    if _numbers(left, right):
        return _bounded(left + right)
    if isinstance(left, str) and isinstance(right, str):
        return left + right if len(left) + len(right) <= _TEXT_LIMIT else None
    if isinstance(left, list) and isinstance(right, list):
        return left + right if len(left) + len(right) <= _LIST_LIMIT else None
    return None


def subtract(left: Any, right: Any) -> Any:
    return _bounded(left - right) if _numbers(left, right) else None


def multiply(left: Any, right: Any) -> Any:
    return _bounded(left * right) if _numbers(left, right) else None


def divide(left: Any, right: Any) -> Any:
    """With fraction. By nothing: null."""
    return _bounded(left / right) if _numbers(left, right) and right else None


def divide_whole(left: Any, right: Any) -> Any:
    """Of two integers, towards zero as CEL has it."""
    if not _integers(left, right) or not right:
        return None
    quotient = abs(left) // abs(right)
    return _bounded(quotient if (left < 0) == (right < 0) else -quotient)


def remainder(left: Any, right: Any) -> Any:
    """With the sign of the left side, as CEL has it; whole numbers only."""
    if not _numbers(left, right) or left != int(left) or right != int(right) or not right:
        return None
    rest = abs(int(left)) % abs(int(right))
    return -rest if left < 0 else rest


def negative(value: Any) -> Any:
    return _bounded(-value) if _numbers(value) else None


def size(value: Any) -> int | None:
    return len(value) if isinstance(value, str | list | Mapping) else None


def lower(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) else None


def starts_with(value: Any, start: Any) -> bool | None:
    return value.startswith(start) if isinstance(value, str) and isinstance(start, str) else None


def ends_with(value: Any, end: Any) -> bool | None:
    return value.endswith(end) if isinstance(value, str) and isinstance(end, str) else None


def number(value: Any) -> Any:
    """A number, or a text that is one."""
    if _numbers(value):
        return value
    if not isinstance(value, str) or len(value) > 40 or not _NUMBER.fullmatch(value):
        return None
    found = Decimal(value.strip())
    return _bounded(int(found) if found == found.to_integral_value() else float(found))


def text(value: Any) -> str | None:
    """Whole numbers without ".0", `true` and `false` as conditions write them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else None


def rounded(value: Any, places: Any = 0) -> int | float | None:
    """Half away from zero, as money is rounded; `places` from 0 to 12."""
    if not _numbers(value) or not _integers(places) or not 0 <= places <= 12:
        return None
    found = Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return float(found) if places else int(found)


def smallest(*values: Any) -> Any:
    found = _all_numbers(values)
    return min(found) if found else None


def largest(*values: Any) -> Any:
    found = _all_numbers(values)
    return max(found) if found else None


def absolute(value: Any) -> Any:
    return _bounded(abs(value)) if _numbers(value) else None


def to_time(value: Any, zone: ZoneInfo) -> int | None:
    """Milliseconds since the epoch: of a number that says so, a timestamp, or a local midnight."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value)
    if not isinstance(value, str):
        return None
    try:
        moment = _moment(value, zone)
        return None if moment is None else (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None


def is_moment(text: str) -> bool:
    """Whether a text is a day or a timestamp that there is."""
    return to_time(text, _ANYWHERE) is not None


def to_date(value: Any, zone: ZoneInfo) -> str | None:
    """The local date as `YYYY-MM-DD`, which sorts as text."""
    found = _local_date(value, zone)
    return None if found is None else found.isoformat()


def days_since(value: Any, scope: Scope) -> int | None:
    then, today = _local_date(value, scope.zone), _local_date(scope.now, scope.zone)
    return None if then is None or today is None else (today - then).days


def days_until(value: Any, scope: Scope) -> int | None:
    days = days_since(value, scope)
    return None if days is None else -days


def months_since(value: Any, scope: Scope) -> int | None:
    """Whole months; a day a month does not have is its last."""
    then, today = _local_date(value, scope.zone), _local_date(scope.now, scope.zone)
    if then is None or today is None:
        return None
    return _months(then, today) if then <= today else -_months(today, then)


def hours_since(value: Any, scope: Scope) -> float | None:
    then = to_time(value, scope.zone)
    return None if then is None else (scope.now - then) / 3_600_000


def minutes_since(value: Any, scope: Scope) -> float | None:
    then = to_time(value, scope.zone)
    return None if then is None else (scope.now - then) / 60_000


def local_date(value: Any, scope: Scope) -> str | None:
    return to_date(value, scope.zone)


def hour(value: Any, scope: Scope) -> int | None:
    moment = to_local(value, scope.zone)
    return None if moment is None else moment.hour


def weekday(value: Any, scope: Scope) -> str | None:
    found = _local_date(value, scope.zone)
    return None if found is None else _WEEKDAYS[found.weekday()]


def to_local(value: Any, zone: ZoneInfo) -> datetime | None:
    """A moment on the wall clock of the zone."""
    millis = to_time(value, zone)
    try:
        return (
            None if millis is None else (_EPOCH + timedelta(milliseconds=millis)).astimezone(zone)
        )
    except (ValueError, OverflowError):
        return None


def times(event_type: str, scope: Scope) -> int | None:
    return None if scope.instance is None else scope.instance.times(event_type)


def arm(split: str, scope: Scope) -> str | None:
    return None if scope.instance is None else scope.instance.arm(split)


def visits(stage: str, scope: Scope) -> int | None:
    return None if scope.instance is None else scope.instance.visited(stage)


def _numbers(left: Any, right: Any = 0) -> bool:
    return left.__class__ in _NUMBERS and right.__class__ in _NUMBERS


def _integers(left: Any, right: Any = 0) -> bool:
    return left.__class__ is int and right.__class__ is int


def _bounded(value: Any) -> Any:
    if isinstance(value, int):
        return value if _INT_MIN <= value <= _INT_MAX else None
    return value if math.isfinite(value) else None


def _all_numbers(values: tuple[Any, ...]) -> list[Any] | None:
    """Of one list, or of the values themselves; None unless all are numbers."""
    found = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
    return found if all(map(_numbers, found)) else None


def _moment(value: str, zone: ZoneInfo) -> datetime | None:
    if _DAY.fullmatch(value):
        day = date.fromisoformat(value)
        return datetime(day.year, day.month, day.day, tzinfo=zone)
    if not _MOMENT.fullmatch(value):
        return None
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _local_date(value: Any, zone: ZoneInfo) -> date | None:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    moment = to_local(value, zone)
    return None if moment is None else moment.date()


def _months(first: date, last: date) -> int:
    months = (last.year - first.year) * 12 + last.month - first.month
    is_month_end = (last + timedelta(days=1)).month != last.month if last < date.max else True
    return months - (last.day < first.day and not is_month_end)
