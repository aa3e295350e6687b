"""`wayline backtest`: what would have become of the people in a file."""

import csv
import json
from pathlib import Path

import pytest

from console.cli.main import run
from tests.unit.console.small_shop import SOURCES, small_shop

EXAMPLE = Path(__file__).parents[3] / "examples" / "online-retail"


def backtest(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    code = run(["backtest", *arguments, "--json"])
    out, err = capsys.readouterr()

    assert code == 0, err
    found: dict[str, object] = json.loads(out)
    return found


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return small_shop(tmp_path)


def test_a_small_past_is_counted(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = backtest(capsys, str(shop), "--source", str(shop / "rows.csv"))

    assert (report["touchpoints"], report["people"], report["rows_refused"]) == (7, 4, 1)
    assert report["maps"] == {"cart": {"version": 1, "entered": 3, "people": 3, "actions": 2}}
    assert report["refused"] == [
        {"map": "cart", "reason": "already_in", "count": 1},
        {"map": "cart", "reason": "cooldown", "count": 1},
    ]
    assert report["outcomes"] == [
        {"map": "cart", "outcome": "silent", "count": 2},
        {"map": "cart", "outcome": "ordered", "count": 1},
    ]
    assert report["goals"] == [{"map": "cart", "goal": "ordered", "count": 1, "worth": 30}]
    assert report["actions"] == [
        {
            "map": "cart",
            "stage": "remind",
            "action": "remind",
            "channel": channel,
            "day": day,
            "count": 1,
        }
        for channel, day in (("app", "2026-05-06"), ("sms", "2026-05-06"))
    ]
    funnel = report["funnel"]
    assert isinstance(funnel, list)
    assert [(row["stage"], row["reached"], row["share"]) for row in funnel] == [
        ("waiting", 3, 1.0),
        ("remind", 2, 0.6667),
    ]
    assert funnel[1]["dwell_p50_s"] == 3 * 24 * 3600


def test_tables_are_written_for_spreadsheets(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, folder = shop / "rows.csv", shop / "report"

    backtest(capsys, str(shop / "maps/cart.yaml"), "--source", str(rows), "--csv", str(folder))

    with (folder / "outcomes.csv").open(newline="") as file:
        assert [row["outcome"] for row in csv.DictReader(file)] == ["silent", "ordered"]
    assert (folder / "withheld.csv").read_text() == ""


def test_the_mapping_may_stand_in_a_file_of_its_own(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, other = shop / "till.yaml", shop / "other.csv"
    own.write_text("\n".join(line[4:] for line in SOURCES.splitlines()[3:]))
    (shop / "rows.csv").rename(other)

    report = backtest(capsys, str(shop), "--source", str(other), "--mapping", str(own))

    assert (report["touchpoints"], report["people"]) == (7, 4)


def test_a_time_may_be_cut_out(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = ("--from", "2026-05-04T09:45+08:00", "--to", "2026-05-06T10:00+08:00")

    report = backtest(capsys, str(shop), "--source", str(shop / "rows.csv"), *cut)

    assert report["maps"] == {"cart": {"version": 1, "entered": 1, "people": 1, "actions": 0}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{shop}"], "Name one of --source FILE and --inbox."),
        (["{shop}", "--source", "nowhere.csv"], "nowhere.csv is no file."),
        (["{shop}", "--source", "{shop}/rows.csv", "--from", "soon"], "soon is no time."),
        (["{shop}", "--source", "{shop}/rows.csv", "--mapping", "shop"], "There is no source shop"),
        (
            ["{shop}/maps/cart.yaml", "{shop}/drafts/cart.yaml", "--source", "{shop}/rows.csv"],
            "hold the same map",
        ),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], said: str, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["backtest", *(each.replace("{shop}", str(shop)) for each in arguments)])

    assert code in (1, 2)
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


@pytest.mark.slow
def test_a_year_of_a_real_shop_in_two_processes(capsys: pytest.CaptureFixture[str]) -> None:
    report = backtest(
        capsys, str(EXAMPLE), "--source", str(EXAMPLE / "purchases.csv.gz"), "--jobs", "2"
    )

    expected = json.loads((EXAMPLE / "expected.json").read_text())
    maps = report["maps"]
    assert isinstance(maps, dict)
    assert {name: each["actions"] for name, each in maps.items()} == expected["actions"]
    assert (report["touchpoints"], report["people"]) == (18_536, 4_339)
