"""Derives the purchases of a shop's year from the invoice lines of UCI Online Retail.

    python derive.py online_retail.csv.gz [purchases.csv.gz]

A purchase is an invoice with a customer, whose number does not begin with C (those are
cancellations), by its lines with a quantity above zero. Its time is that of its earliest line,
its amount the sum of quantity x unit price. The same source gives the same bytes.
"""

import csv
import gzip
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

COLUMNS = ("invoice_no", "customer_id", "invoiced_at", "amount", "items", "country")


@dataclass(slots=True)
class Purchase:
    """One invoice as the shop's till would have told it."""

    invoice_no: str
    customer_id: str
    invoiced_at: str
    country: str
    amount: Decimal = Decimal(0)
    items: int = 0

    def add(self, line: Mapping[str, str]) -> None:
        self.invoiced_at = min(self.invoiced_at, line["InvoiceDate"])
        self.amount += int(line["Quantity"]) * Decimal(line["UnitPrice"])
        self.items += int(line["Quantity"])

    def row(self) -> tuple[str, ...]:
        amount = f"{self.amount:.2f}"
        return (
            self.invoice_no,
            self.customer_id,
            self.invoiced_at,
            amount,
            str(self.items),
            self.country,
        )


def purchases(lines: Iterable[Mapping[str, str]]) -> list[Purchase]:
    """All purchases, as they happened; of the same minute, by invoice number."""
    found: dict[str, Purchase] = {}
    for line in lines:
        if not _is_bought(line):
            continue
        number = line["InvoiceNo"]
        purchase = found.get(number)
        if purchase is None:
            # The source writes customers as floats: 17850.0.
            customer = line["CustomerID"].removesuffix(".0")
            purchase = Purchase(number, customer, line["InvoiceDate"], line["Country"])
            found[number] = purchase
        purchase.add(line)
    return sorted(found.values(), key=lambda p: (p.invoiced_at, p.invoice_no))


def _is_bought(line: Mapping[str, str]) -> bool:
    bought = bool(line["CustomerID"]) and int(line["Quantity"]) > 0
    return bought and not line["InvoiceNo"].startswith("C")


def _lines(path: Path) -> Iterator[Mapping[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _write(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    # No file name and no time in the gzip header: the bytes depend on the rows alone.
    path.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    target = Path(arguments[1]) if arguments[1:] else Path(__file__).with_name("purchases.csv.gz")
    found = purchases(_lines(Path(arguments[0])))
    _write(target, (purchase.row() for purchase in found))
    buyers = len({purchase.customer_id for purchase in found})
    print(f"{len(found):,} purchases of {buyers:,} buyers, the last on {found[-1].invoiced_at}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
