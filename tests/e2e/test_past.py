"""People of a real cluster explained, and led through other drafts of its maps."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import run
from streams.settings import environment
from tests.e2e.shop import documents
from tests.e2e.world import World

pytestmark = [pytest.mark.kafka, pytest.mark.redis]

ANN, BEA = "+8613800138001", "+8613800138002"


def touchpoint(type_: str, time: str, phone: str = ANN, **more: Any) -> dict[str, Any]:
    return {"type": type_, "identifiers": {"phone": phone}, "time": time, **more}


@pytest.fixture
async def shop(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Ann leaves a cart and is reminded, Bea buys in time; then Ann leaves another one."""
    for name, value in environment(world.settings).items():
        monkeypatch.setenv(name, value)
    await world.open(documents("event", "1h"))
    world.worker()
    await world.send(touchpoint("cart.left", "2026-03-01T10:00:00Z", id="one"))
    await world.send(touchpoint("cart.left", "2026-03-01T10:10:00Z", BEA))
    await world.send(touchpoint("order.paid", "2026-03-01T10:45:00Z", BEA))
    await world.pass_time("2026-03-01T12:00:00Z")
    await world.settled(until=1_772_366_400_000)
    await world.send(touchpoint("cart.left", "2026-03-01T12:00:00Z", id="two"))
    await world.send(touchpoint("cart.left", "2026-03-01T12:00:00Z", id="two"))
    await world.pass_time("2026-03-01T12:30:00Z")
    await world.settled(until=1_772_368_200_000)
    return world


async def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code = await asyncio.to_thread(run, list(arguments))
    out, err = capsys.readouterr()

    assert code == 0, err
    return out


async def test_people_of_a_cluster_are_explained_and_led_through_drafts(
    shop: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "draft"
    for name, text in documents("event", "30m").items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    story = json.loads(await said(capsys, "explain", f"phone:{ANN}", "--json"))
    text = await said(capsys, "explain", f"phone:{ANN}", "--map", "cart")
    report = json.loads(await said(capsys, "backtest", str(folder), "--inbox", "--json"))
    hours = ("--from", "2026-03-01T11:00Z", "--to", "2026-03-01T12:10Z")
    short = json.loads(await said(capsys, "backtest", str(folder), "--inbox", "--json", *hours))

    assert story["whole"] is True
    assert [(step["what"], step["did"], step["unmoved"]) for step in story["steps"]] == [
        ("cart.left", ["cart: enters at waiting"], []),
        (
            "time",
            [
                "cart: waiting → remind",
                "cart: remind_me leaves by sms",
                "cart: remind → end reminded",
            ],
            [],
        ),
        ("cart.left", ["cart: enters at waiting"], []),
        ("cart.left", [], ["it came before: nothing happens twice"]),
    ]
    (standing,) = story["open"]
    assert (standing["stage"], standing["timers"][0]["at"]) == ("waiting", 1_772_370_000_000)
    assert "due 2026-03-01 13:00:00Z: after 1h → remind" in text
    assert "goal bought: order.paid → end bought" in text
    # By half an hour Bea, too, is reminded before she buys; the last cart's half hour is not over.
    assert (report["people"], report["maps"]["cart"]["actions"]) == (2, 2)
    assert report["maps"]["cart"]["entered"] == 3
    assert (short["maps"]["cart"]["entered"], short["maps"]["cart"]["actions"]) == (1, 0)
