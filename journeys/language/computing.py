"""Computed traits as compiled: what is kept of touchpoints for each, and how its value is read.

A window keeps one figure for each calendar day (or clock hour) of the workspace's zone with
something in it, so late touchpoints count where they belong and a merge adds up. Values are
functions of the figures kept and of the moment that is asked for, never of when they were made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from .parts import Expression
from .scope import Scope

How = Literal["count", "sum", "min", "max", "first", "last", "distinct", "formula"]
HOWS: tuple[How, ...] = get_args(How)

Figures = Mapping[int, Any]
"""Bucket -> figure; bucket 0 where there is no window.

The figure of `count` is a number, of `sum` a decimal as text, of `min` and `max` a number, of
`first` and `last` [time, id, value], of `distinct` a list of [time, value], the newest last.
"""

HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """This day (hour) and `size` - 1 before it, in the workspace's zone."""

    unit: Literal["d", "h"]
    size: int
    zone: ZoneInfo

    def bucket(self, moment: int) -> int:
        """The number of the day (hour) in which the moment lies."""
        local = datetime.fromtimestamp(moment // 1000, self.zone)
        if self.unit == "d":
            return local.toordinal()
        offset = local.utcoffset()
        shift = int(offset.total_seconds() * 1000) % HOUR_MS if offset else 0
        return (moment + shift) // HOUR_MS


@dataclass(frozen=True, slots=True)
class Computed:
    """One computed trait. `id` changes with its definition: a changed one starts anew.

    `of` are event types, None for any. A `formula` has only `value`, over the profile.
    """

    name: str
    id: str
    how: How
    type: str
    of: tuple[str, ...] | None = None
    value: Expression | None = None
    when: Expression | None = None
    window: Window | None = None
    keep: int = 20


@dataclass(frozen=True, slots=True)
class Segment:
    """A condition on the profile alone. `id` changes with its definition.

    Time alone may change it at the midnights (`d`) or clock hours (`h`) of `units`, and at what
    `moments` say of a person, in ms.
    """

    name: str
    id: str
    when: Expression
    units: frozenset[str] = frozenset()
    moments: tuple[Callable[[Scope], int | None], ...] = ()


def reader(computed: Computed) -> Callable[[Scope], Any]:
    """Reads the trait's value as of the scope's moment; never raises."""
    if computed.how == "formula":
        assert computed.value is not None
        return computed.value.run

    def read(scope: Scope) -> Any:
        figures = scope.profile.figures(computed.id)
        window = computed.window
        if window is not None and figures:
            now = window.bucket(scope.now)
            figures = {b: figures[b] for b in figures if now - window.size < b <= now}
        return _VALUE[computed.how](figures)

    return read if computed.how != "distinct" else _distinct_reader(computed)


def _distinct_reader(computed: Computed) -> Callable[[Scope], Any]:
    """Each value stands where it was seen last, so the window looks at times."""
    window = computed.window

    def read(scope: Scope) -> list[Any]:
        kept = scope.profile.figures(computed.id).get(0, ())
        if window is None:
            return [value for _, value in kept]
        now = window.bucket(scope.now)
        return [value for time, value in kept if now - window.size < window.bucket(time) <= now]

    return read


def _sum(figures: Figures) -> int | float:
    total = sum((Decimal(text) for text in figures.values()), Decimal(0))
    return int(total) if total == total.to_integral_value() else float(total)


_VALUE: dict[str, Callable[[Figures], Any]] = {
    "count": lambda figures: sum(figures.values()),
    "sum": _sum,
    "min": lambda figures: min(figures.values(), default=None),
    "max": lambda figures: max(figures.values(), default=None),
    "first": lambda figures: min(figures.values(), default=(0, "", None), key=_moment)[2],
    "last": lambda figures: max(figures.values(), default=(0, "", None), key=_moment)[2],
}


def _moment(figure: Any) -> tuple[int, str]:
    return figure[0], figure[1]
