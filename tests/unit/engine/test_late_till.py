"""A year of an online shop whose till tells of purchases up to six hours late: with `without`
nobody is reminded who bought in time, and everybody else is, as counted from the file alone."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
import yaml

from journeys.language.model import Map, Workspace
from journeys.language.workspace import compile_workspace, make_release
from schemas.inbox import Arrived, Marked
from schemas.intake import compile_mapping
from schemas.intake.decoding import Raw, decode
from schemas.touchpoint import Millis, ProfileId, Touchpoint
from streams.imports import Imported, Refused, touchpoints_of

from .building import DAY, HOUR, Life

EXAMPLE = Path(__file__).parents[3] / "examples" / "online-retail"
LATE = 6 * HOUR
NOW = Millis(1_772_400_000_000)
SHARE = 8
"""One buyer in so many: a year of 540 people is enough."""
MAP = """
map: win-back
version: 1
enter: {event: order.paid}
stages:
  waiting:
    on: [{event: order.paid, to: waiting}]
    after: {wait: 30d, WITHOUT end: reminded, do: [{send: we_miss_you, channels: mail, with: WITH}]}
""".replace("WITH}", '{amount: "= event.amount", days: 30}}')


@pytest.fixture(scope="module")
def purchases() -> list[Touchpoint]:
    """Those of some buyers, as the till's mapping reads them."""
    settings = yaml.safe_load((EXAMPLE / "wayline.yaml").read_text())
    mapping = compile_mapping("till", settings["sources"]["invoices"])
    rows = touchpoints_of(EXAMPLE / "purchases.csv.gz", mapping, NOW)
    return [each for each in map(_touchpoint, rows) if crc32(_buyer(each).encode()) % SHARE == 0]


def test_who_bought_in_time_is_not_reminded_though_we_hear_of_it_hours_late(
    purchases: list[Touchpoint],
) -> None:
    due = sorted(_due(purchases))

    reminded = _reminded(purchases, "without: order.paid,")

    assert len(due) > 500
    assert reminded == due


def test_without_it_some_are_reminded_who_had_bought(purchases: list[Touchpoint]) -> None:
    assert len(_reminded(purchases, "")) > len(list(_due(purchases)))


def _due(purchases: list[Touchpoint]) -> Iterator[tuple[str, int]]:
    """Buyer and deadline, where no purchase came within thirty days; by the file alone."""
    end = max(each.time for each in purchases)
    times = defaultdict(list)
    for each in purchases:
        times[_buyer(each)].append(each.time)
    for buyer, found in times.items():
        for one, following in pairwise([*sorted(found), end * 2]):
            if following > one + 30 * DAY <= end:
                yield buyer, one + 30 * DAY


def _reminded(purchases: list[Touchpoint], without: str) -> list[tuple[str, int]]:
    """Buyer and deadline of each message. Every six hours the till has told of all that happened
    until six hours before."""
    life = Life(make_release(*_compiled(without), []))
    heard = sorted(purchases, key=_arrives)
    end, now = max(each.time for each in purchases), heard[0].time
    for number, each in enumerate(heard):
        while _arrives(each) > now + LATE:
            now = _pass(life, now)
        arrived = Arrived(ProfileId(_buyer(each)), each, (), ("till", 0, number))
        life.append(arrived, _arrives(each))
    while now < end:
        now = _pass(life, now)
    life.append(Marked("till", Millis(end)), now)
    life.tick(now + HOUR)
    sent = [(action["profile_id"], action["due"]) for action in life.actions()]
    return sorted((buyer, _millis(due)) for buyer, due in sent if _millis(due) <= end)


def _pass(life: Life, now: int) -> int:
    now += LATE
    life.append(Marked("till", Millis(now - LATE)), now)
    life.tick(now)
    return now


def _compiled(without: str) -> tuple[Workspace, tuple[Map, ...]]:
    settings = yaml.safe_load((EXAMPLE / "wayline.yaml").read_text())
    till = {"lateness": "6h", "brings": ["order.paid"], "watermark": "explicit"}
    settings |= {"clock": "wall", "sources": {"till": till}}
    files = ("catalogue/shop.yaml", "templates/mail.yaml")
    documents = {file: (EXAMPLE / file).read_text() for file in files}
    documents["wayline.yaml"] = yaml.safe_dump(settings)
    documents["maps/win-back.yaml"] = MAP.replace("WITHOUT ", f"{without} ")
    compiled = compile_workspace(documents)
    return compiled.workspace, compiled.maps


def _touchpoint(row: Imported | Refused) -> Touchpoint:
    assert isinstance(row, Imported)
    found = decode(Raw("imports", 0, row.line, NOW, None, row.value, ()), None, NOW)
    return msgspec.structs.replace(found, received=Millis(_arrives(found)))


def _buyer(touchpoint: Touchpoint) -> str:
    return touchpoint.identifiers["user_id"][0]


def _arrives(touchpoint: Touchpoint) -> int:
    """Up to six hours after it happened; from its id alone, so the same each time."""
    return touchpoint.time + crc32(touchpoint.id.encode()) % LATE


def _millis(written: str) -> int:
    return int(datetime.fromisoformat(written).timestamp()) * 1000
