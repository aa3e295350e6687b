"""`wayline diff`: who would be treated differently, from which record on, and how."""

import json
from pathlib import Path

import pytest

from console.cli.main import run
from tests.unit.console.small_shop import small_shop


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return small_shop(tmp_path)


def test_a_shorter_wait_treats_everybody_differently_who_waits_for_so_long(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, rows = shop / "maps/cart.yaml", shop / "drafts/cart.yaml", shop / "rows.csv"

    code = run(["diff", str(old), str(new), "--source", str(rows), "--json"])

    assert code == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["people"], report["different"]) == (4, 3)
    assert report["actions_of_these"] == {"old": 2, "new": 3}
    assert [(kind["people"], kind["at"], kind["old"], kind["new"]) for kind in report["kinds"]] == [
        (2, "a timer", "waiting → remind", "the same, earlier"),
        (1, "a timer", "goal ordered, worth 30", "waiting → remind"),
    ]
    (paid,) = report["kinds"][1]["examples"]
    assert (paid["person"], paid["key"]) == ("openid.mp:o-…67", "…")
    assert paid["old"] == {
        "at": "2026-05-05T04:00:00.000Z",
        "text": "goal ordered, worth 30",
        "cause": "touchpoint",
        "cause_id": "4",
    }
    assert paid["new"]["at"] == paid["at"] == "2026-05-05T02:30:00.000Z"


def test_the_touchpoint_is_named_at_which_the_ways_part(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = shop / "drafts/cart.yaml"
    text = (shop / "maps/cart.yaml").read_text()
    draft.write_text(
        text.replace("event: cart.filled, key", "event: cart.filled, when: event.amount > 15, key")
    )

    code = run(["diff", str(shop), str(draft), "--source", str(shop / "rows.csv"), "--reveal"])

    assert code == 0
    out = capsys.readouterr().out
    assert "1 of 4 people would be treated differently" in out
    assert (
        "openid.mp:o-cid-1234567 [c3], first at 2026-05-04T02:00:00.000Z: touchpoint 3 cart.filled"
        in out
    )
    assert "new: nothing" in out


def test_why_she_does_not_enter_any_more_is_told(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = shop / "drafts/cart.yaml"
    draft.write_text((shop / "maps/cart.yaml").read_text().replace("cooldown: 3d", "cooldown: 1d"))

    code = run(["diff", str(draft), str(shop), "--source", str(shop / "rows.csv"), "--json"])

    assert code == 0
    (kind,) = json.loads(capsys.readouterr().out)["kinds"]
    assert (kind["people"], kind["at"]) == (1, "a touchpoint")
    assert (kind["old"], kind["new"]) == ("enters at waiting", "may not enter: cooldown")


def test_a_map_is_as_itself(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = ["diff", str(shop), str(shop), "--source", str(shop / "rows.csv"), "--json"]

    assert run(same) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["different"], report["kinds"]) == (0, [])
