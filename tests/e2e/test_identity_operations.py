"""What people ask of identity, by the command line, on real parts, and after Redis lost it all."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from console.cli.main import run
from console.histories import read_inbox
from console.rehearsing import said_to_the_inbox
from journeys.engine.profile import Profile, decode
from journeys.identity.claims import Claims, Identifier
from journeys.identity.config import identity_config
from journeys.identity.records import SHARED, decode_holding, holder_of
from schemas.inbox import Arrived
from streams.settings import environment
from tests.e2e.visitors import WAIT_S, documents
from tests.e2e.world import World

pytestmark = [pytest.mark.kafka, pytest.mark.redis]

ANN, BEA = "user_id:ann", "user_id:bea"
WEB, APP, MAIL, PHONE = "cookie:web", "cookie:app", "email:a@x.io", "phone:13800138000"
TABLET = "device_id:tablet"
WITHIN_S = 60


async def test_who_is_erased_is_forgotten_by_all_shards_whatever_is_under_way(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two cookies of hers begin in different shards and become one; all the time more arrives."""
    await world.open(documents(), clock="wall")
    world.worker(), world.worker()
    before = _now() - 60_000
    story = [
        _said("cart.left", WEB, at=before, cart="1", traits={"name": "Ann"}),
        _said("cart.left", APP, at=before, cart="2"),
        _said("login", ANN, WEB, at=before),
        _said("cart.left", "cookie:other", at=before, cart="3"),
    ]
    await _send(world, story)
    await world.settled()
    late = [_said("cart.left", APP, at=before, cart=f"late-{n}") for n in range(60)]
    late += [_said("login", ANN, APP, at=before)]

    sending = asyncio.create_task(_send(world, late))
    said = await _wayline(world, monkeypatch, "erase", ANN, "--yes", "--wait", str(WITHIN_S))
    await sending
    await _send(world, [*story[:3], *late])
    await world.settled(until=_now() + 1000 * WAIT_S)

    [report] = await _reports(world)
    assert said == 0
    assert report["from"] in capsys.readouterr().out
    await _assert_forgotten(world)

    await world.redis.flushall()
    await world.settled(until=_now() + 1000)
    await _send(world, [*story[:3], _said("cart.left", WEB, cart="new")])
    await world.settled(until=_now() + 1000 * (WAIT_S + 1))

    people = await _live(world)
    [anew] = [name for name, one in people.items() if "web" in _values({name: one})]
    assert anew not in {report["from"], *report["from_aliases"]}
    assert people[anew].identifiers == {"cookie": ["web"]}
    assert people[anew].traits == {}
    assert len(await _reports(world)) == 1
    assert await world.stored() == await world.refolded()


async def test_identity_is_the_same_after_a_flush_whatever_was_asked_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.open(documents(), clock="wall")
    world.worker()
    people = [f"user_id:u{n}" for n in range(3)]
    for claim in [(ANN, MAIL, WEB), (BEA, PHONE), *((one, TABLET) for one in people)]:
        await _send(world, [_said("login", *claim, cart="")])
        await world.settled()
    asked = [
        ("split", MAIL, WEB),
        ("unbind", PHONE),
        ("unshare", TABLET),
        ("merge", people[0], people[1]),
        ("erase", people[2], "--dry-run"),
        ("erase", people[2], "--yes", "--wait", str(WITHIN_S)),
        ("erase", f"profile:{await _of(world, 'bea')}", "--yes"),
    ]

    codes = [await _wayline(world, monkeypatch, *words) for words in asked]
    await _send(world, [_said("login", BEA, TABLET)])
    await world.settled()
    await _send(world, [_said("seen", PHONE)])
    await world.settled(until=_now() + 1000)

    said = [ANN, MAIL, WEB, BEA, PHONE, TABLET, *people]
    groups = [ANN], [MAIL, WEB], [BEA, TABLET], [PHONE], people[:2]
    partition = set(map(frozenset, groups))
    assert codes == [0] * len(asked)
    told = capsys.readouterr().out
    assert "1 user_id, 0 remembered touchpoints, 0 former ids" in told
    assert await _partition(world, said) == partition
    live = (await _live(world)).values()
    assert sorted(len(each.identifiers) for each in live if each.identifiers) == [1, 1, 1, 2, 2]
    rows = {row["type"] for row in await world.values("identity.merges")}
    of_profiles = {"profile.split", "profile.merged", "profile.erased"}
    assert rows >= of_profiles | {f"identifier.{how}" for how in ("unbound", "unshared", "shared")}

    await world.redis.flushall()
    await world.settled(until=_now() + 1000)

    assert await _partition(world, said) == partition
    assert "identity was repaired from the inbox" in world.log()
    assert await world.stored() == await world.refolded()


async def _assert_forgotten(world: World) -> None:
    """Nothing of Ann is in any shard, no dead letter keeps what came late, and nobody who looks
    back through the inbox meets her."""
    assert not {"web", "ann"} & _values(await _live(world))
    assert await world.values("touchpoints.dlq") == []
    stored = await world.stored()
    assert b"Ann" not in b"".join(raw for shard in stored.values() for raw in shard.values())
    assert stored == await world.refolded()
    past = await read_inbox(world.settings, None, frozenset(), lambda *_: None)
    records = [happened.record for one in past.pasts for happened in one]
    met = [one.touchpoint.identifiers for one in records if isinstance(one, Arrived)]
    said = await said_to_the_inbox(world.settings, lambda *_: None)
    for identifiers in (*met, *(one.identifiers for one in said)):
        assert not {"web", "ann"} & {value for some in identifiers.values() for value in some}
    assert {"other"} in [{value for some in each.values() for value in some} for each in met]


async def _wayline(world: World, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """`wayline identity …` in another thread; its exit code. What it asks has happened after it."""
    for name, value in environment(world.settings).items():
        monkeypatch.setenv(name, value)
    code: int = await asyncio.to_thread(run, ["identity", *words])
    await world.settled()
    return code


def _said(
    kind: str,
    *identifiers: str,
    at: int | None = None,
    cart: str = "",
    traits: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A touchpoint, the same whenever it is sent again."""
    ids: dict[str, list[str]] = defaultdict(list)
    for one in identifiers:
        name, _, value = one.partition(":")
        ids[name].append(value)
    dated = {"time": datetime.fromtimestamp(at / 1000, UTC).isoformat()} if at else {}
    number = {"id": f"{kind}/{'/'.join(identifiers)}/{cart}"} if at else {}
    what = {"type": kind, "properties": {"cart_id": cart} if cart else {}}
    return {**what, "identifiers": ids, "traits": traits or {}, **dated, **number}


async def _send(world: World, touchpoints: list[dict[str, Any]]) -> None:
    """One to each source after the other, so that several workers have them."""
    async with world.producer() as producer:
        for number, one in enumerate(touchpoints):
            topic, value = world.topics.touchpoints, orjson.dumps(one)
            await producer.send_and_wait(topic, value, partition=number % 12)


async def _reports(world: World) -> list[dict[str, Any]]:
    rows = await world.values("identity.merges")
    return [row for row in rows if row["type"] == "profile.erased"]


async def _live(world: World) -> dict[str, Profile]:
    """The profiles of all shards that are neither redirects nor tombstones."""
    shards = (await world.stored()).values()
    stored = {name: decode(raw) for profiles in shards for name, raw in profiles.items()}
    return {name: profile for name, profile in stored.items() if not profile.redirect}


async def _of(world: World, value: str) -> str:
    """The profile with this identifier."""
    people = await _live(world)
    return next(name for name, one in people.items() if value in _values({name: one}))


def _values(people: Mapping[str, Profile]) -> set[str]:
    """The values of all their identifiers."""
    found = [values for one in people.values() for values in one.identifiers.values()]
    return {value for values in found for value in values}


async def _partition(world: World, said: list[str]) -> set[frozenset[str]]:
    """Which of these are one person's, by the records of identity; what is nobody's is left out."""
    claims = Claims(identity_config({}, world.settings.secret_identity_key()))
    groups: dict[str, set[str]] = defaultdict(set)
    for one in said:
        identifier = claims.identifier(one)
        assert isinstance(identifier, Identifier)
        raw = await world.redis.get(world.settings.keys.identifier(identifier.token))
        if raw is not None and decode_holding(raw).state != SHARED and (who := holder_of(raw)):
            groups[who].add(one)
    return set(map(frozenset, groups.values()))


def _now() -> int:
    return int(time.time() * 1000)
