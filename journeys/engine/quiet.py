"""Quiet hours (rule 12): by the clock where the person is, when an action would leave.

Each day's hours are moments: they begin and end at the first instant whose clock shows the time,
so hours that a change of the clocks skips are none, and none come twice.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from journeys.language.model import QuietHours

from .local_time import instant, local_at

_LOOKED_AT = 60
"""Hours that follow upon each other without a gap are left after so many at the latest."""


def concerning(hours: Iterable[QuietHours], class_: str, channel: str) -> tuple[QuietHours, ...]:
    """Those that an action of this class by this channel keeps."""
    return tuple(
        each
        for each in hours
        if each.class_ == class_ and (channel in each.channels or not each.channels)
    )


def quiet_until(hours: tuple[QuietHours, ...], moment: int, zone: ZoneInfo) -> int | None:
    """When it is quiet no more; None if it is not quiet at `moment`. Several add up."""
    reached = moment
    for _ in range(_LOOKED_AT):
        ends = [end for start, end in _around(hours, reached, zone) if start <= reached < end]
        if not ends:
            break
        reached = max(ends)
    return reached if reached > moment else None


def next_quiet(hours: tuple[QuietHours, ...], moment: int, zone: ZoneInfo) -> int | None:
    """When the next hours begin after `moment`; None if there are none."""
    return min((start for start, _ in _around(hours, moment, zone) if start > moment), default=None)


def _around(hours: Iterable[QuietHours], moment: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """The hours of the days about `moment`, yesterday's first; empty ones are left out."""
    today = local_at(moment, zone).date()
    for step in range(-1, 3):
        day = today + timedelta(days=step)
        for each in hours:
            last = day if each.start < each.end else day + timedelta(days=1)
            start, end = instant(day, each.start, zone), instant(last, each.end, zone)
            if start < end:
                yield start, end
