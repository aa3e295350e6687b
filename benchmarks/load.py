"""The touchpoints every contestant gets, and their way into a topic.

One in ten is a purchase, and each purchase causes one action: that is how a contestant shows how
far it has come. The others are page views, carts and sign-ups of the same people.
"""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
from aiokafka import AIOKafkaProducer

PURCHASE = "order.paid"
OTHERS = ("page.viewed",) * 7 + ("cart.filled", "signup.done")
ONE_IN = 10


def touchpoints(count: int, people: int, began: datetime) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each, the same in every run but for their times."""
    chance = random.Random(7)
    for number in range(count):
        kind = PURCHASE if number % ONE_IN == ONE_IN - 1 else chance.choice(OTHERS)
        person = f"u{chance.randrange(people):07}"
        value = {
            "id": f"t{number}",
            "type": kind,
            "time": (began + timedelta(milliseconds=number)).isoformat(timespec="milliseconds"),
            "channel": "web",
            "source": "shop",
            "identifiers": {"user_id": person},
            "properties": {"order_id": f"o{number}", "amount": float(number % 200), "page": "/a"},
        }
        yield person.encode(), orjson.dumps(value)


async def fill(bootstrap: str, topic: str, count: int, people: int) -> None:
    """All of them are in the topic when this returns."""
    began = datetime.now(UTC) - timedelta(milliseconds=count)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=1 << 17)
    async with producer:
        pending: list[asyncio.Future[object]] = []
        for key, value in touchpoints(count, people, began):
            pending.append(await producer.send(topic, value, key=key))
        await asyncio.gather(*pending)
