"""A service desk's tickets led through a map that mirrors its process: what the engine counts is
what pandas counts of the same rows, however many partitions there are.

The rows are walks through the process, with rows told twice and rows of one moment in them. With
`WAYLINE_TICKETS` naming a CSV of the real desk (4TU.ResearchData, `Dataset belonging to the help
desk log of an Italian Company`; its licence is not known to allow a copy here), that is counted.
"""

import os
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import orjson
import pandas as pd
import pytest
import yaml

from journeys.engine.effects import Output, Shard
from journeys.engine.fold import fold, wanted
from journeys.language.workspace import compile_workspace
from journeys.replay.pasts import rules_of
from journeys.replay.tally import moment
from schemas.inbox import Arrived, Logged
from schemas.intake import compile_mapping, decode
from schemas.intake.decoding import Raw
from schemas.topics import shard_of
from schemas.touchpoint import Millis, ProfileId, Touchpoint

FOLDER = Path(__file__).parents[2] / "maps" / "tickets"
FILES = ("wayline.yaml", "maps/ticket.yaml")
STEPS = {
    "Assign seriousness": "assigned",
    "Take in charge ticket": "taken",
    "Wait": "waiting",
    "Require upgrade": "upgrade",
    "Insert ticket": "inserted",
    "Create SW anomaly": "anomaly",
    "Resolve ticket": "resolved",
    "Closed": "closed",
}
BATCH = 500
NOW = Millis(1_772_400_000_000)

Counts = tuple[dict[str, int], dict[tuple[str, str], int], dict[str, int]]
"""Arrivals by stage, ways between stages, and ms spent in each by those who left it."""


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Ticket, step and time of each row, in the order of time."""
    given = os.environ.get("WAYLINE_TICKETS")
    if given is None:
        return _walks(150)
    found = pd.read_csv(given)
    found = found[["case:concept:name", "concept:name", "time:timestamp"]]
    found.columns = pd.Index(["ticket", "step", "time"])
    return found.sort_values("time", kind="stable")


@pytest.mark.parametrize("partitions", [1, 4])
def test_stages_ways_and_dwelling_are_what_pandas_counts(
    rows: pd.DataFrame, partitions: int
) -> None:
    outputs = _folded(rows, partitions)

    assert _counted(outputs) == _computed(rows)


def test_there_are_rows_told_twice_and_rows_of_one_moment(rows: pd.DataFrame) -> None:
    assert rows.duplicated().sum() > 100
    assert rows.drop_duplicates().duplicated(["ticket", "time"]).sum() > 0


def _computed(rows: pd.DataFrame) -> Counts:
    """By pandas. Of two rows of one ticket and moment the first counts: a wait begins behind it."""
    kept = rows.drop_duplicates().drop_duplicates(["ticket", "time"]).copy()
    kept["stage"] = kept["step"].map(STEPS).fillna("other")
    kept["at"] = pd.to_datetime(kept["time"], utc=True)
    by_ticket = kept.groupby("ticket", sort=False)
    kept["to"] = by_ticket["stage"].shift(-1)
    kept["ms"] = (by_ticket["at"].shift(-1) - kept["at"]) // pd.Timedelta(milliseconds=1)
    left = kept.dropna(subset=["to"])
    ways = left.groupby(["stage", "to"]).size().to_dict()
    dwelt = left.groupby("stage")["ms"].sum().astype("int64").to_dict()
    return kept["stage"].value_counts().to_dict(), ways, dwelt


def _counted(outputs: list[Output]) -> Counts:
    """By the engine's own transitions."""
    stages: Counter[str] = Counter()
    ways: Counter[tuple[str, str]] = Counter()
    dwelt: defaultdict[str, int] = defaultdict(int)
    where: dict[str, tuple[str, int]] = {}
    for output in outputs:
        row = orjson.loads(output.value)
        if row["kind"] != "move" or row["to"] == "next":
            continue
        at, instance = moment(row["at"]), row["instance"]
        stages[row["to"]] += 1
        if instance in where:
            before, since = where[instance]
            ways[before, row["to"]] += 1
            dwelt[before] += at - since
        where[instance] = row["to"], at
    return dict(stages), dict(ways), dict(dwelt)


def _folded(rows: pd.DataFrame, partitions: int) -> list[Output]:
    """All that comes of the rows, each ticket's in the partition of its hash."""
    logs: defaultdict[int, list[Logged]] = defaultdict(list)
    for number, touchpoint in enumerate(_touchpoints(rows)):
        (name,) = touchpoint.identifiers["user_id"]
        log = logs[shard_of(name, partitions)]
        record = Arrived(ProfileId(name), touchpoint, (), ("tickets", 0, number))
        log.append(Logged(len(log), touchpoint.time, record))
    assert len(logs) == partitions
    return [output for shard, log in logs.items() for output in _of_shard(shard, log)]


def _of_shard(number: int, log: list[Logged]) -> list[Output]:
    compiled = compile_workspace({file: (FOLDER / file).read_text() for file in FILES})
    rules = rules_of(compiled.workspace, compiled.maps)
    opened = rules.opened
    shard = Shard(number, 4, clock="event", settings=opened.settings, maps=opened.maps)
    shard.known = opened.known
    stored: dict[ProfileId, bytes] = {}
    outputs: list[Output] = []
    for start in range(0, len(log), BATCH):
        batch = log[start : start + BATCH]
        loaded = {name: stored[name] for name in wanted(batch) if name in stored}
        effects = fold(shard, batch, loaded, lambda _: rules.release)
        stored |= {name: value for name, value in effects.profiles.items() if value is not None}
        outputs += effects.outputs
    return outputs


def _touchpoints(rows: pd.DataFrame) -> list[Touchpoint]:
    """By the mapping of the workspace, as an import reads them."""
    entry = yaml.safe_load((FOLDER / "wayline.yaml").read_text())["sources"]["desk"]
    mapping = compile_mapping("desk", entry)
    lines = rows.to_dict("records")
    raws = [Raw("t", 0, n, NOW, None, orjson.dumps(line), ()) for n, line in enumerate(lines)]
    return [decode(raw, mapping, NOW) for raw in raws]


def _walks(tickets: int) -> pd.DataFrame:
    """Tickets that go the process's usual ways and some others, from one seed."""
    random, rows = Random(7), []
    for number in range(tickets):
        at = datetime(2012, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(500_000))
        step = "Insert ticket" if random.random() < 0.1 else "Assign seriousness"
        while True:
            row = (f"Case {number}", step, at.isoformat())
            rows += [row] * (2 if random.random() < 0.1 else 1)
            if step == "Closed":
                break
            step = random.choice([*STEPS, "Take in charge ticket", "Resolve ticket", "VERIFIED"])
            at += timedelta(seconds=random.choice([0, 1, 90, 5000, 100_000, 900_000]))
    found = pd.DataFrame(rows, columns=["ticket", "step", "time"])
    return found.sort_values("time", kind="stable")
