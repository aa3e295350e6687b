"""Who is who on real parts, under storms, chains and a Redis that loses what it knew.

Raw values all carry a mark that nothing else has, so that one search finds any that leaks.
"""

import asyncio
import os
import re
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from console.cli.main import run
from console.why import why
from journeys.identity.config import identity_config
from journeys.identity.records import holder_of
from streams.reading import high_watermarks
from streams.settings import environment
from tests.e2e.people import Group, Said, depth, identified, identity, live, partition
from tests.e2e.visitors import WAIT_S, documents
from tests.e2e.world import World, eventually

pytestmark = [pytest.mark.kafka, pytest.mark.redis]

MARK = "vIsItOr"
STORM = int(os.environ.get("WAYLINE_TEST_STORM", "1500"))
"""Cookies that become one person's; each costs more than the one before. 10,000 pass too, in
minutes."""
# Who is a bad identifier's victim by the defaults: what keeps storms from happening is off.
WITHOUT_LIMITS = """
identity:
  max_identifiers: null
  max_merges: null
  namespaces:
    cookie: {cls: device, rank: 95, limit: null}
"""

CHAINED = WITHOUT_LIMITS.replace("  max_merges: null\n", "")
CHAIN, CEILING = 120, 100
PEOPLE = 90


async def test_a_storm_of_cookies_becomes_one_person_while_timers_fire_and_a_worker_dies(
    world: World,
) -> None:
    await world.open(documents(WITHOUT_LIMITS), clock="wall")
    first, _ = world.worker(), world.worker()
    carts = range(0, STORM, 50)
    await _send(world, (_touchpoint(n, _first_visit(n)) for n in range(STORM)), partitions=2)
    logins = (_touchpoint(n, "login", member="one") for n in range(STORM))
    await _send(world, logins, partitions=2)

    await _merges(world, STORM // 5)
    first.send_signal(signal.SIGKILL)
    world.worker()
    await world.settled(within=300, until=_now() + 1000 * WAIT_S)

    records, nodes = await identity(world)
    [person] = {holder_of(raw) for raw in records.values()}
    assert person is not None
    assert len(records) == STORM + 1
    assert depth(nodes) == 1
    assert [profile for profile, node in nodes.items() if node.to is None] == [person]
    assert set(await live(world)) == {person}
    rows = await world.values("identity.merges")
    merged = {row["from"] for row in rows if row["type"] == "profile.merged"}
    assert merged == nodes.keys() - {person}
    await _assert_each_is_reminded_once(world, carts)
    assert await world.stored() == await world.refolded()
    await _assert_nothing_leaks(world)


async def test_a_chain_of_redirects_ends_at_the_ceiling_and_loses_nothing_on_its_way(
    world: World,
) -> None:
    """Each merge has the survivor of the one before as its loser; 100 merges are the ceiling."""
    await world.open(documents(CHAINED), clock="wall")
    world.worker()
    began = _now()
    times = [began - 10 * number for number in range(CHAIN)]
    await _send(world, (_touchpoint(n, "cart.left", at=times[n]) for n in range(CHAIN)))
    await world.settled()
    await _send(world, (_link(n, n + 1, began + n) for n in range(CHAIN - 1)), partitions=1)
    await world.settled(until=_now() + 1000 * WAIT_S)

    _, nodes = await identity(world)
    found = await _partition(world, map(_cookie, range(CHAIN)))
    told = await why(world.settings, f"cookie:{_cookie(0)}", f"cookie:{_cookie(5)}")
    assert found == {
        frozenset(("cookie", _cookie(n)) for n in range(CEILING + 1)),
        frozenset(("cookie", _cookie(n)) for n in range(CEILING + 1, CHAIN)),
    }
    assert depth(nodes) == CEILING
    assert len(await live(world)) == 2
    assert [step.kind for step in told.steps].count("merged") == 5
    await _assert_each_is_reminded_once(world, range(CHAIN))
    await _assert_nothing_leaks(world)


@pytest.mark.parametrize("flushed", [True, False], ids=["flushed", "older"])
async def test_identity_is_the_same_after_redis_lost_what_it_knew(
    world: World, flushed: bool
) -> None:
    await world.open(documents(), clock="wall")
    world.worker(), world.worker()
    visits = [visit for number in range(PEOPLE) for visit in _visits(number)]
    third = len(visits) // 3
    await _send(world, visits[:third])
    await world.settled()
    older = _copied(world)
    await _send(world, visits[third : 2 * third])
    await world.settled()

    sending = asyncio.create_task(_send_slowly(world, visits[2 * third :]))
    await asyncio.sleep(0)
    if flushed:
        await world.redis.flushall()
    else:
        await _bring_back(world, older)
    await sending
    await world.settled(until=_now() + 1000 * WAIT_S)

    expected = _components(visits)
    said = {value for part in expected for _, value in part}
    assert await _partition(world, said) == expected
    assert {identified(one) for one in (await live(world)).values()} == expected
    assert "identity was repaired from the inbox" in world.log()
    await _assert_each_is_reminded_once(world, range(PEOPLE))
    assert await world.stored() == await world.refolded()
    await _assert_nothing_leaks(world)


async def test_rules_are_rehearsed_on_what_the_inbox_holds(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await world.open(documents(), clock="wall")
    world.worker()
    await _send(world, [visit for number in range(3) for visit in _visits(number)])
    await world.settled()
    (tmp_path / "rules.yaml").write_text("namespaces: {cookie: {link: never}}\n")
    for name, value in environment(world.settings).items():
        monkeypatch.setenv(name, value)

    told = ["identity", "rehearse", str(tmp_path / "rules.yaml"), "--inbox", "--json"]
    code = await asyncio.to_thread(run, told)

    found = orjson.loads(capsys.readouterr().out)
    assert code == 1
    assert (found["touchpoints"], found["now"]["profiles"], found["now"]["merges"]) == (11, 4, 2)
    assert (found["then"]["profiles"], found["then"]["nobodys"]) == (3, 6)
    assert (found["joined"], found["parted"]) == (0, 3)
    assert MARK not in str(found)


def _cookie(number: int) -> str:
    return f"{MARK}-{number:05}"


def _cart(number: int) -> str:
    return f"cart-{number:05}"


def _first_visit(number: int) -> str:
    return "page.seen" if number % 50 else "cart.left"


def _touchpoint(
    number: int, type_: str, member: str = "", at: int | None = None, cookie: str = ""
) -> dict[str, Any]:
    identifiers = {"cookie": cookie or _cookie(number)}
    if member:
        identifiers["user_id"] = f"{MARK}-{member}"
    cart = {"cart_id": _cart(number)} if type_ == "cart.left" else {}
    dated = {"time": _written(at)} if at else {}
    return {"type": type_, "identifiers": identifiers, "properties": cart, **dated}


def _link(number: int, other: int, at: int) -> dict[str, Any]:
    cookies = [_cookie(number), _cookie(other)]
    return {"type": "login", "identifiers": {"cookie": cookies}, "time": _written(at)}


def _visits(number: int) -> list[dict[str, Any]]:
    """One person: two devices and a membership; every third never shows the second as hers."""
    mine, member = _cookie(number), f"member-{number:05}"
    second = f"{MARK}-second-{number:05}"
    visits = [
        _touchpoint(number, "cart.left", cookie=mine),
        _touchpoint(number, "page.seen", cookie=second),
        _touchpoint(number, "login", member, cookie=mine),
    ]
    return (
        visits
        if number % 3 == 0
        else [*visits, _touchpoint(number, "login", member, cookie=second)]
    )


def _written(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


def _now() -> int:
    return int(time.time() * 1000)


async def _send(
    world: World, touchpoints: Iterable[Mapping[str, Any]], partitions: int = 12
) -> None:
    """One person's to one partition each; returns when all are acknowledged."""
    async with world.producer() as producer:
        sent = [await _sent(world, producer, one, partitions) for one in touchpoints]
        await asyncio.gather(*sent)


async def _send_slowly(world: World, touchpoints: Sequence[Mapping[str, Any]]) -> None:
    """In ten parts over some seconds."""
    part = len(touchpoints) // 10 + 1
    for start in range(0, len(touchpoints), part):
        await _send(world, touchpoints[start : start + part])
        await asyncio.sleep(0.3)


async def _sent(
    world: World, producer: AIOKafkaProducer, touchpoint: Mapping[str, Any], partitions: int
) -> "asyncio.Future[object]":
    number = int(re.findall(r"[0-9]{5}", str(touchpoint["identifiers"]["cookie"]))[0])
    place = number % partitions
    topic, value = world.topics.touchpoints, orjson.dumps(touchpoint)
    sent: asyncio.Future[object] = await producer.send(topic, value, partition=place)
    return sent


def _copied(world: World) -> Path:
    """A copy of the append-only files as they are."""
    files = world.server.folder / "appendonlydir"
    older = Path(tempfile.mkdtemp(dir=world.server.folder)) / files.name
    shutil.copytree(files, older)
    return older


async def _bring_back(world: World, older: Path) -> None:
    """Redis wakes up with these files in the place of its own."""
    files = world.server.folder / "appendonlydir"
    world.server.kill()
    shutil.rmtree(files)
    shutil.move(older, files)
    world.server.start()
    await world.redis.connection_pool.disconnect()


def _components(touchpoints: Iterable[Mapping[str, Any]]) -> set[Group]:
    """What is joined by some touchpoint, and by what joins that."""
    parts: list[set[Said]] = []
    for touchpoint in touchpoints:
        joined = set(touchpoint["identifiers"].items())
        for part in [part for part in parts if part & joined]:
            parts.remove(part)
            joined |= part
        parts.append(joined)
    return set(map(frozenset, parts))


async def _partition(world: World, values: Iterable[str]) -> set[Group]:
    said = [(space, value) for value in values for space in ("cookie", "user_id")]
    return await partition(world, said, identity_config({}, world.settings.secret_identity_key()))


async def _assert_each_is_reminded_once(world: World, carts: Iterable[int]) -> None:
    wanted = sorted(map(_cart, carts))
    actions, rows = await world.values("actions.mail"), await world.values("journey.transitions")
    assert sorted(action["key"] for action in actions) == wanted
    assert len({action["action_id"] for action in actions}) == len(wanted)
    assert len({row["id"] for row in rows}) == len(rows)
    assert await _counted(world) == {"enter": len(wanted), "end:reminded": len(wanted)}


async def _merges(world: World, count: int) -> None:
    """Returns once so many merges were told of."""

    async def told() -> bool:
        ends = await high_watermarks(world.connection, [world.topics.merges])
        return sum(ends.values()) >= count

    await eventually(told)


async def _counted(world: World) -> dict[str, int]:
    """How often people took each edge of the map, by the counters of all shards and days."""
    found: Counter[str] = Counter()
    pattern = world.settings.keys.counts(0, "*").replace("{s00}", "{s??}")
    async for key in world.redis.scan_iter(pattern, count=1000):
        for edge, times in (await world.redis.hgetall(key)).items():
            found[edge.decode().split("/", 2)[2]] += int(times)
    return {edge: times for edge, times in found.items() if edge.startswith(("enter", "end"))}


async def _assert_nothing_leaks(world: World) -> None:
    """No value of an identifier in what identity stores, nor in what workers wrote."""
    mark, names = MARK.encode(), f"{world.settings.keys.identifier('').rpartition('i:')[0]}*"
    seen = 0
    async for key in world.redis.scan_iter(names, count=5000):
        kind = await world.redis.type(key)
        stored = await world.redis.get(key) if kind == b"string" else b""
        held = repr(await world.redis.xrange(key)).encode() if kind == b"stream" else b""
        assert mark not in key + stored + held
        seen += 1
    assert seen > 0
    assert not re.search(MARK, world.log(), re.IGNORECASE)
