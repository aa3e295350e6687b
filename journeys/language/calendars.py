"""Which days are worked on in a country, with the days its authorities move.

The library's own days are a release's: a year's calendar is known to a Wayline that was built
after it was announced. Upgrade from a clean stop, as with zone data.
"""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

IsWorkday = Callable[[date], bool]


@lru_cache(maxsize=16)
def workdays_of(calendar: str) -> IsWorkday | None:
    """For `CN`, or a part of a country as in `DE-BY`; None where no such calendar is known.

    Saturdays that make up for a moved holiday are workdays.
    """
    # Loading it takes a quarter of a second, which only those wait for who name a calendar.
    import holidays  # noqa: PLC0415

    country, _, part = calendar.partition("-")
    known = holidays.list_supported_countries()
    if country not in known or (part and part not in known[country]):
        return None
    days = holidays.country_holidays(country, subdiv=part or None)
    return days.is_working_day
