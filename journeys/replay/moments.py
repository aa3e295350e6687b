"""Moments as tests write them: short ones count from a day in a zone.

`10:00` is on that day, `+3d 10:00` three days later, `+90s` elapsed after its midnight.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from journeys.engine.local_time import EPOCH, add, instant
from journeys.language.durations import parse_duration
from journeys.language.map_tests_grammar import SHORT_MOMENT, is_full
from schemas.touchpoint import Millis

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Moments:
    """`day` None: there are only full timestamps."""

    zone: ZoneInfo
    day: date | None

    def read(self, written: str) -> Millis:
        """The moment; the grammar has made sure that it is one."""
        if is_full(written):
            return millis(datetime.fromisoformat(written))
        assert self.day is not None
        found = SHORT_MOMENT.fullmatch(written)
        assert found is not None
        if found["after"]:
            duration = parse_duration(found["after"][1:])
            assert duration is not None
            return Millis(add(duration, self.midnight(), self.zone))
        day = self.day + timedelta(days=int(found["days"] or 0))
        clock = found["on"] or found["clock"]
        return Millis(instant(day, time.fromisoformat(clock) if clock else time(), self.zone))

    def midnight(self) -> Millis:
        """The first moment of the day."""
        assert self.day is not None
        return Millis(instant(self.day, time(), self.zone))

    def show(self, moment: int) -> str:
        """As the test would write it: `+4d 10:30`, to the second or finer where it must be."""
        local = datetime.fromtimestamp(moment // 1000, self.zone) + (moment % 1000) * _MS
        if self.day is None:
            return local.isoformat(timespec="milliseconds" if moment % 1000 else "seconds")
        clock, days = _clock(local), (local.date() - self.day).days
        return clock if days == 0 else f"{days:+}d {clock}"


def millis(moment: datetime) -> Millis:
    """Of a time with an offset."""
    return Millis((moment - EPOCH) // _MS)


def _clock(local: datetime) -> str:
    if local.microsecond:
        return local.time().isoformat("milliseconds")
    return local.time().isoformat("seconds" if local.second else "minutes")


_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000))


def in_units(millis_: int) -> str:
    """A length of time by the largest unit that divides it: `3d`, `90m`."""
    for unit, size in _UNITS:
        if millis_ % size == 0:
            return f"{millis_ // size}{unit}"
    return f"{millis_ / 1000}s"
