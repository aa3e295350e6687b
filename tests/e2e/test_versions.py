"""New versions of a map on a real cluster: counted, asked about, moved over, archived."""

import asyncio
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from console.cli.main import run
from schemas.inbox import Published, encode
from schemas.published import json_schemas
from streams.library import map_key, read_shelf
from streams.ports import Outgoing
from streams.publisher import publish_once
from streams.reading import read_to_end
from streams.settings import environment
from tests.e2e.shop import documents
from tests.e2e.world import World

pytestmark = [pytest.mark.kafka, pytest.mark.redis]

DAY = "2026-03-01T{}:00:00Z"
CART = documents("event", "10h")["maps/cart.yaml"]
PEOPLE = [f"+8613800138{number:03}" for number in range(30)]


def written(folder: Path, **changes: str) -> str:
    """The shop's folder, with words of its map replaced."""
    found = documents("event", "10h")
    for old, new in changes.items():
        found["maps/cart.yaml"] = found["maps/cart.yaml"].replace(old, new)
    for name, text in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


async def wayline(*arguments: str) -> int:
    return await asyncio.to_thread(run, list(arguments))


@pytest.fixture
async def shop(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Thirty people wait in the first version, since ten in the morning."""
    for name, value in environment(world.settings).items():
        monkeypatch.setenv(name, value)
    await world.open(documents("event", "10h"))
    world.worker()
    for number, phone in enumerate(PEOPLE):
        left: dict[str, Any] = {"type": "cart.left", "identifiers": {"phone": phone}}
        await world.send({**left, "time": DAY.format(10)}, number % 12)
    await world.pass_time(DAY.format(11))
    await world.settled()
    return world


async def test_people_are_counted_moved_by_ticks_and_reminded_when_the_new_version_says(
    shop: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moving = "version: 2\non_publish: {mode: migrate, stages: {waiting: pause}}"
    renamed = {"waiting:": "pause:", "10h": "3h", "version: 1": moving}
    folder = written(tmp_path, **renamed)
    assert await wayline("publish", folder, "--dry-run") == 0
    foretold = capsys.readouterr().out
    assert await wayline("publish", folder) == 1
    asked = capsys.readouterr()

    assert await wayline("publish", folder, "--yes", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    await shop.settled()
    await shop.pass_time(DAY.format(14))
    await shop.settled(until=1_772_373_600_000)

    assert "cart 1, waiting: 30 go on in pause of the new version" in asked.out
    assert foretold == asked.out
    assert "30 people would be moved or ended" in asked.err
    assert [(each["people"], each["becomes"]) for each in told["people"]] == [(30, "moves")]
    actions = await shop.values("actions.sms")
    assert [(a["version"], a["due"]) for a in actions] == [(2, "2026-03-01T13:00:00.000Z")] * 30
    assert await shop.stored() == await shop.refolded()
    assert await _breaches(shop) == []


async def _breaches(world: World) -> list[str]:
    """What of all that was said does not keep its published schema."""
    schemas, found = json_schemas(), []
    said = {"actions.sms": ("action", "action-headers")}
    said["journey.transitions"] = ("transition", "output-headers")
    for topic, (of_value, of_headers) in said.items():
        async for record in read_to_end(world.connection, [world.topics.named(topic)]):
            headers = {name: value.decode() for name, value in record.headers}
            pairs = ((of_value, orjson.loads(record.value)), (of_headers, headers))
            for name, each in pairs:
                validator = Draft202012Validator(schemas[name], format_checker=FormatChecker())
                found += [error.message for error in validator.iter_errors(each)]
    return found


async def test_what_would_strand_people_or_reuses_a_number_is_refused_and_they_may_be_ended(
    shop: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def folder(name: str, **changes: str) -> str:
        return written(tmp_path / name, **changes)

    moving = "version: 2\non_publish: migrate"
    title = await wayline("publish", folder("title", **{"map: cart": "map: cart\ntitle: X"}))
    first = await wayline("publish", folder("first"))
    structure = await wayline("publish", folder("other", **{"10h": "9h"}))
    strands = folder("strands", **{"waiting:": "pause:", "version: 1": moving})
    stranded = await wayline("publish", strands, "--yes")
    full = await wayline("archive", "cart")
    said = capsys.readouterr().err
    await wayline("stop", "cart")
    await shop.settled()
    empty = await wayline("archive", "cart")
    await shop.settled()

    assert (title, first, structure, stranded, full, empty) == (0, 0, 1, 1, 1, 0)
    assert "version 1 of cart is in the log with another structure" in said.lower()
    assert "would strand 30 people: 30 in waiting" in said
    assert "30 people are in cart" in said
    ended = [r for r in await shop.values("journey.transitions") if r["kind"] == "end"]
    assert [row["outcome"] for row in ended] == ["stopped"] * 30
    facts = [await shop.states.facts(shard) for shard in range(12)]
    assert [each and each.known for each in facts] == [{}] * 12


async def test_a_worker_that_does_not_know_a_word_in_force_says_so_and_ends(world: World) -> None:
    await world.open(documents("event", "10h"))
    later = {"file": "maps/cart.yaml", "text": CART.replace("10h", "10h, teleport: true")}
    topics, connection = world.topics, world.connection
    shelf = await read_shelf(connection, topics)
    assert shelf.latest is not None
    record = Published(shelf.latest.settings, {"cart": 2})
    records = [Outgoing(topics.maps, map_key("cart", 2), orjson.dumps(later), partition=0)]
    records += [Outgoing(topics.inbox, None, encode(record), partition=n) for n in range(12)]
    await publish_once(connection, topics.named("test"), records)

    worker = world.worker()
    code = await asyncio.to_thread(worker.wait, 60)

    assert code == 1
    assert "What is in force is beyond this Wayline: maps/cart.yaml:" in world.log()
    assert "Traceback" not in world.log()
