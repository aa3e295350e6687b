"""The five brands' maps led through traffic made from one seed: their funnels add up."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from console.cli.main import run
from console.folders import read_documents
from journeys.language.workspace import compile_workspace

BRANDS = Path(__file__).parents[3] / "examples" / "brands"
PEOPLE, TOUCHPOINTS, DAYS = 120, 4000, 300
START = datetime(2026, 1, 5, 8, tzinfo=UTC)

Row = dict[str, Any]


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Touchpoints of every type of the catalogue, of people who come back."""
    compiled = compile_workspace(read_documents(BRANDS))
    file = tmp_path_factory.mktemp("traffic") / "traffic.jsonl"
    known = {name: dict(each) for name, each in sorted((compiled.workspace.events or {}).items())}
    file.write_text("".join(f"{json.dumps(row)}\n" for row in _rows(known, Random(11))))
    return file


def test_the_funnels_of_the_five_brands_add_up(
    traffic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = _report(traffic, capsys)

    entered = {name: each["entered"] for name, each in report["maps"].items()}
    arrived, gone, standing = Counter(), Counter(), Counter()
    for way in report["ways"]:
        gone[way["map"], way["stage"]] += way["count"]
        arrived[way["map"], way["to"]] += way["count"]
    first = {}
    for row in report["funnel"]:
        first.setdefault(row["map"], row["stage"])
        place = row["map"], row["stage"]
        began = entered[row["map"]] if first[row["map"]] == row["stage"] else 0
        standing[row["map"]] += row["still_there"]
        assert row["visits"] == arrived[place] + began, place
        assert row["visits"] == gone[place] + row["still_there"], place
        assert row["reached"] <= min(row["visits"], entered[row["map"]]), place
        assert row["share"] == round(row["reached"] / entered[row["map"]], 4), place
    ended = Counter()
    for row in report["outcomes"]:
        ended[row["map"]] += row["count"]
    assert len(first) == 5
    assert min(entered.values()) > 20
    assert {name: ended[name] + standing[name] for name in entered} == entered


def test_a_funnel_is_drawn_for_each_of_them(
    traffic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["backtest", str(BRANDS), "--source", str(traffic)])
    out, _ = capsys.readouterr()

    funnel = out.partition("funnel")[2].partition("outcomes")[0]
    # A narrow terminal shortens names.
    drawn = {line.split()[0][:8] for line in funnel.splitlines() if line.strip()}
    assert code == 0
    assert drawn >= {"home-pro", "live-ser", "mall-lin", "mother-b", "retail-a"}


def _report(traffic: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    code = run(["backtest", str(BRANDS), "--source", str(traffic), "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def _rows(known: dict[str, dict[str, Any]], random: Random) -> list[Row]:
    moments = sorted(random.randrange(DAYS * 24 * 60) for _ in range(TOUCHPOINTS))
    return [_row(n, minute, known, random) for n, minute in enumerate(moments)]


def _row(number: int, minute: int, known: dict[str, dict[str, Any]], random: Random) -> Row:
    person = random.randrange(PEOPLE)
    at = START + timedelta(minutes=minute)
    type_ = random.choice(sorted(known))
    properties = {name: _value(name, str(kind), at, random) for name, kind in known[type_].items()}
    return {
        "id": f"row-{number}",
        "source": "traffic",
        "type": type_,
        "time": at.isoformat(),
        "identifiers": {"phone": f"+86138{person:08}"},
        "consents": {"sms": True, "official_account": True},
        "properties": properties,
    }


def _value(name: str, kind: str, at: datetime, random: Random) -> Any:
    if name == "partner_kind":
        return random.choice(["designer", "walk_in"])
    match kind:
        case "number" | "integer":
            return random.randrange(1, 400)
        case "time":
            return (at + timedelta(hours=random.randrange(1, 200))).isoformat()
        case "date":
            return (at + timedelta(days=random.randrange(1, 200))).date().isoformat()
        case _:
            return f"{name}-{random.randrange(40)}"
