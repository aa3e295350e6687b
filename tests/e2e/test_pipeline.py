"""Touchpoints in, actions out, on real Kafka and Redis: what must hold besides the figures."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.mending import set_cursor
from streams.ports import Outgoing
from streams.publisher import publish_once
from streams.publishing import hold, release
from streams.reading import read_to_end
from tests.e2e.shop import documents
from tests.e2e.world import SHARDS, World, eventually
from tests.poison import POISON

pytestmark = [pytest.mark.kafka, pytest.mark.redis]


def touchpoint(type_: str, phone: str, time: str | None = None, **more: Any) -> dict[str, Any]:
    dated = {"time": time} if time else {}
    return {"type": type_, "identifiers": {"phone": phone}, **dated, **more}


def phone(number: int) -> str:
    return f"+8613800138{number:03}"


async def test_nobody_who_bought_in_time_is_nagged_after_three_hours_of_outage(
    world: World,
) -> None:
    await world.open(documents("event", "1h"))
    for number in range(20):
        await world.send(
            touchpoint("cart.left", phone(number), "2026-03-01T10:00:00Z"), number % 12
        )
    await world.pass_time("2026-03-01T10:00:01Z")
    worker = world.worker()
    await world.settled()
    worker.send_signal(signal.SIGKILL)

    for number in range(10):
        await world.send(touchpoint("order.paid", phone(number), "2026-03-01T10:40:00Z"), number)
    await world.pass_time("2026-03-01T13:00:00Z")
    world.worker()
    await world.settled(until=1_772_370_000_000)

    reminded = {action["to"]["phone"] for action in await world.values("actions.sms")}
    assert reminded == {phone(number) for number in range(10, 20)}


async def test_an_outage_by_the_wall_clock_delays_timers_and_never_makes_them_lie(
    world: World,
) -> None:
    await world.open(documents("wall", "3s"), clock="wall")
    began = datetime.now(UTC)
    for number in range(6):
        left = touchpoint("cart.left", phone(number), began.isoformat())
        await world.send(left, number)
    for number in range(3):
        bought = (began + timedelta(seconds=2)).isoformat()
        await world.send(touchpoint("order.paid", phone(number), bought), number + 6)

    await asyncio.sleep(5)  # nobody works while the deadlines pass
    world.worker()
    await _actions(world, 3)
    await world.settled()

    reminded = {action["to"]["phone"] for action in await world.values("actions.sms")}
    assert reminded == {phone(number) for number in range(3, 6)}


async def test_poison_ends_in_the_dead_letters_and_nothing_else_stops(world: World) -> None:
    await world.open(documents("wall", "1h"), clock="wall")
    world.worker()
    for poison in POISON:
        await world.send_raw(poison.value, key=b"poison", headers=list(poison.headers))
    await world.send(touchpoint("cart.left", phone(1)))

    await world.settled()

    topic = world.topics.dead_letters(world.topics.touchpoints)
    letters = [letter async for letter in read_to_end(world.connection, [topic])]
    codes = [dict(letter.headers)["wayline-error-code"].decode() for letter in letters]
    entered = [t for t in await world.values("journey.transitions") if t["kind"] == "enter"]
    assert [letter.value for letter in letters] == [poison.value for poison in POISON]
    assert codes == [poison.code for poison in POISON]
    assert len(entered) == 1


async def test_held_actions_leave_after_the_release_and_only_then(world: World) -> None:
    await world.open(documents("wall", "1s"), clock="wall")
    world.worker()
    await hold(world.connection, world.topics, SHARDS, "a test")
    for number in range(5):
        await world.send(touchpoint("cart.left", phone(number)), number)
    await _standing(world, 5)
    while_held = await world.values("actions.sms")

    await release(world.connection, world.topics, SHARDS)
    await _actions(world, 5)

    assert while_held == []
    assert len({action["to"]["phone"] for action in await world.values("actions.sms")}) == 5


async def test_two_who_turn_out_to_be_one_are_reminded_once_and_spared_by_one_purchase(
    world: World,
) -> None:
    await world.open(documents("event", "1h"))
    world.worker()
    for number in range(8):
        cookie = {"cookie": f"cookie-{number}-of-a-browser"}
        left, seen = touchpoint("cart.left", phone(number)), touchpoint("page.seen", phone(number))
        left["identifiers"] = cookie
        await world.send(left | {"time": "2026-03-01T10:00:00Z"}, number)
        await world.send(seen | {"time": "2026-03-01T10:00:00Z"}, number)
    await world.pass_time("2026-03-01T10:00:01Z")
    await world.settled()
    for number in range(8):
        joined = touchpoint("login", phone(number), "2026-03-01T10:10:00Z")
        joined["identifiers"]["cookie"] = f"cookie-{number}-of-a-browser"
        await world.send(joined, number)
    await world.pass_time("2026-03-01T10:11:00Z")
    await world.settled()
    for number in range(4):
        await world.send(touchpoint("order.paid", phone(number), "2026-03-01T10:40:00Z"), number)
    await world.pass_time("2026-03-01T12:00:00Z")
    await world.settled(until=1_772_366_400_000)

    reminded = [action["to"]["phone"] for action in await world.values("actions.sms")]
    assert sorted(reminded) == [phone(number) for number in range(4, 8)]
    assert len({merge["from"] for merge in await world.values("identity.merges")}) == 8
    assert await world.stored() == await world.refolded()


async def test_a_lost_cursor_halts_the_worker_until_it_is_set_by_hand(world: World) -> None:
    await world.open(documents("wall", "1h"), clock="wall")
    lost = Outgoing(world.topics.cursors, world.topics.named("fold-3").encode(), None)
    await publish_once(world.connection, world.topics.named("a-test"), [lost])
    halted = world.worker()
    code = await asyncio.to_thread(halted.wait, 60)
    said = world.log()

    await set_cursor(world.settings, "fold-3", 0)
    world.worker()
    await world.send(touchpoint("cart.left", phone(1)))
    await world.settled()

    assert code != 0
    assert f"wayline cursor set {world.topics.named('fold-3')}" in said
    assert len(await world.values("journey.transitions")) == 1


async def _actions(world: World, count: int) -> None:
    async def there() -> bool:
        return len(await world.values("actions.sms")) >= count

    await eventually(there)


async def _standing(world: World, count: int) -> None:
    gates = [world.settings.keys.gate(shard) for shard in range(SHARDS)]

    async def there() -> bool:
        return sum([await world.redis.zcard(gate) for gate in gates]) >= count

    await eventually(there)
