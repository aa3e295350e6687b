"""A schedule over all shards of a real cluster, and a worker that is killed in the middle."""

import signal
from collections import Counter
from typing import Any

import orjson
import pytest

from tests.e2e.world import World, eventually

pytestmark = [pytest.mark.kafka, pytest.mark.redis]

PEOPLE = [f"+86138001{number:05}" for number in range(300)]
LAST = 1_772_634_600_000
"""2026-03-04T14:30:00Z, ms."""

DOCUMENTS = {
    "wayline.yaml": """
workspace: newsroom
timezone: UTC
clock: event
grace: 5s
channels:
  sms: {identifier: phone}
purposes: {notify: [sms]}
""",
    "catalogue/events.yaml": """
events: {joined: {properties: {reader: boolean}}}
traits: {reader: boolean, birthday: date}
segments: {readers: {when: profile.traits.reader}}
""",
    "templates/texts.yaml": """
templates:
  news: {class: transactional, sms: {text: News}}
  thanks: {class: transactional, sms: {text: Thank you}}
""",
    "maps/news.yaml": """
map: news
version: 1
enter: {schedule: {at: "12:00", days: [tue, wed]}, when: profile.traits.reader, spread: 1h}
stages:
  send: {do: {send: news, purpose: notify}, end: sent}
""",
}

THANKS = """
map: thanks
version: 1
enter:
  - {segment: readers, existing: enter}
  - {date: profile.traits.birthday, every: year, at: "10:00"}
stages:
  send: {do: {send: thanks, purpose: notify}, end: sent}
"""


async def _join(world: World) -> None:
    """Two of three are readers, one of three was born on a 4th of March; by all partitions."""
    async with world.producer() as producer:
        for number, phone in enumerate(PEOPLE):
            traits: dict[str, Any] = {"reader": number % 3 > 0}
            if number % 3 == 0:
                traits["birthday"] = "1990-03-04"
            joined = {
                "type": "joined",
                "time": "2026-03-02T09:00:00Z",
                "identifiers": {"phone": phone},
                "traits": traits,
            }
            value = orjson.dumps(joined)
            await producer.send(world.topics.touchpoints, value, partition=number % 12)


async def _sent(world: World) -> Counter[tuple[str, str, str]]:
    actions = await world.values("actions.sms")
    return Counter((a["to"]["phone"], a["template"], a["due"][:10]) for a in actions)


async def test_everybody_enters_once_though_the_worker_is_killed_on_the_way(world: World) -> None:
    await world.open(DOCUMENTS)
    worker = world.worker()
    await _join(world)
    await world.pass_time("2026-03-02T10:00:00Z")
    await world.settled()

    await world.publish({**DOCUMENTS, "maps/thanks.yaml": THANKS})
    await world.pass_time("2026-03-04T14:30:00Z")

    async def some_left() -> bool:
        return bool(await _sent(world))

    await eventually(some_left)
    worker.send_signal(signal.SIGKILL)
    world.worker()
    await world.settled(until=LAST)

    readers = [phone for number, phone in enumerate(PEOPLE) if number % 3]
    others = [phone for number, phone in enumerate(PEOPLE) if number % 3 == 0]
    expected = {(phone, "news", day) for phone in readers for day in ("2026-03-03", "2026-03-04")}
    expected |= {(phone, "thanks", "2026-03-02") for phone in readers}
    expected |= {(phone, "thanks", "2026-03-04") for phone in others}
    assert await _sent(world) == dict.fromkeys(expected, 1)
    assert await world.stored() == await world.refolded()
