import csv
import gzip
from collections import Counter
from datetime import datetime
from pathlib import Path

import orjson

from journeys.language.workspace import compile_workspace, make_release
from schemas.inbox import Arrived, Logged, Tick
from schemas.touchpoint import Millis, ProfileId, Touchpoint

from .building import Life

SHOP = Path(__file__).parents[3] / "examples" / "online-retail"


def test_a_year_of_a_real_shop_wins_back_whom_it_should() -> None:
    documents = {
        str(path.relative_to(SHOP)): path.read_text() for path in sorted(SHOP.rglob("*.yaml"))
    }
    compiled = compile_workspace(documents)
    life = Life(make_release(compiled.workspace, compiled.maps, []), clock="event")
    purchases = _purchases()

    for start in range(0, len(purchases), 1000):
        batch = purchases[start : start + 1000]
        life.fold(batch)
        _pass(life, batch[-1].record.touchpoint.time)  # type: ignore[union-attr]

    expected = orjson.loads((SHOP / "expected.json").read_bytes())
    actions = life.actions()
    assert Counter(action["map"] for action in actions) == expected["actions"]
    assert len({action["action_id"] for action in actions}) == len(actions)
    assert len(life.stored) == expected["profiles"]


def _purchases() -> list[Logged]:
    with gzip.open(SHOP / "purchases.csv.gz", "rt") as file:
        return [
            Logged(
                n, Millis(0), Arrived(ProfileId(row["customer_id"]), _bought(row), (), ("", 0, n))
            )
            for n, row in enumerate(csv.DictReader(file), 10)
        ]


def _bought(row: dict[str, str]) -> Touchpoint:
    time = Millis(int(datetime.fromisoformat(row["invoiced_at"] + "+00:00").timestamp() * 1000))
    return Touchpoint(
        row["invoice_no"],
        "order.paid",
        time,
        time,
        "invoices",
        identifiers={"user_id": (row["customer_id"],)},
        properties={"amount": float(row["amount"])},
    )


def _pass(life: Life, moment: int) -> None:
    while min(life.due.values()) <= moment or life.shard.time < moment:
        life.fold([Logged(0, Millis(0), Tick(Millis(moment)))])
