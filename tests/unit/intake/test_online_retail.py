"""The shipped example: its figures from the file alone, and its mapping on every row."""

import csv
import gzip
import runpy
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from schemas.intake import compile_mapping
from streams.imports import Imported, touchpoints_of

EXAMPLE = Path(__file__).parents[3] / "examples" / "online-retail"
PURCHASES = EXAMPLE / "purchases.csv.gz"
NOW = 1_772_400_000_000


@pytest.fixture(scope="module")
def purchases() -> dict[str, list[datetime]]:
    """The times of purchases by customer."""
    found = defaultdict(list)
    with gzip.open(PURCHASES, "rt", newline="") as file:
        for row in csv.DictReader(file):
            found[row["customer_id"]].append(datetime.fromisoformat(row["invoiced_at"]))
    return found


def test_the_file_holds_the_purchases_of_the_year(purchases: dict[str, list[datetime]]) -> None:
    times = [time for each in purchases.values() for time in each]

    assert len(times) == 18_536
    assert len(purchases) == 4_339
    assert max(times) == datetime(2011, 12, 9, 12, 50)


@pytest.mark.parametrize(("days", "reminders"), [(30, 8_558), (60, 4_928), (90, 3_219)])
def test_so_many_purchases_were_followed_by_none_in_time(
    purchases: dict[str, list[datetime]], days: int, reminders: int
) -> None:
    end = max(time for each in purchases.values() for time in each)
    wait = timedelta(days=days)
    gaps = [pair for each in purchases.values() for pair in pairwise([*sorted(each), datetime.max])]

    assert sum(after > at + wait <= end for at, after in gaps) == reminders


def test_the_mapping_takes_every_row_in_the_order_of_time() -> None:
    workspace = yaml.safe_load((EXAMPLE / "wayline.yaml").read_text())
    mapping = compile_mapping("invoices", workspace["sources"]["invoices"])

    rows = list(touchpoints_of(EXAMPLE / workspace["sources"]["invoices"]["file"], mapping, NOW))

    times = [row.time for row in rows if isinstance(row, Imported)]
    assert len(times) == len(rows) == 18_536
    assert times == sorted(times)


def test_a_purchase_is_an_invoice_with_a_customer_by_its_lines_above_zero() -> None:
    derive = runpy.run_path(str(EXAMPLE / "derive.py"))
    columns = ("InvoiceNo", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
    lines = [
        ("2", "1", "2011-01-02 10:00:00", "0.0", "7.0", "France"),
        ("1", "2", "2011-01-02 10:01:00", "1.25", "7.0", "France"),
        ("1", "3", "2011-01-02 10:00:00", "0.1", "7.0", "France"),
        ("1", "-3", "2011-01-01 09:00:00", "0.1", "7.0", "France"),
        ("C3", "1", "2011-01-02 10:00:00", "1.0", "7.0", "France"),
        ("4", "1", "2011-01-02 10:00:00", "1.0", "", "France"),
    ]

    found = derive["purchases"](dict(zip(columns, line, strict=True)) for line in lines)

    assert [p.row() for p in found] == [
        ("1", "7", "2011-01-02 10:00:00", "2.80", "5", "France"),
        ("2", "7", "2011-01-02 10:00:00", "0.00", "1", "France"),
    ]
