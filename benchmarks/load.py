"""The touchpoints every contestant gets, and their way into a topic.

One in ten is a purchase, and each purchase causes one action: that is how a contestant shows how
far it has come. The others are page views, carts and sign-ups of the same people.
"""

import asyncio
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import orjson
from aiokafka import AIOKafkaProducer

PURCHASE = "order.paid"
OTHERS = ("page.viewed",) * 7 + ("cart.filled", "signup.done")
ONE_IN = 10


def touchpoints(numbers: range, people: int, began: datetime) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of those with these numbers, the same in every run but for their times."""
    chance = random.Random(numbers.start)
    for number in numbers:
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


async def fill(bootstrap: str, topic: str, numbers: range, people: int, began: datetime) -> None:
    """All of them are in the topic when this returns.

    Number n happened n ms after `began`, which must be the same for all of one source: who buys
    at a moment before she came to a stage is rightly not moved on by it.
    """
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=1 << 17)
    async with producer:
        pending: list[asyncio.Future[object]] = []
        for key, value in touchpoints(numbers, people, began):
            pending.append(await producer.send(topic, value, key=key))
        await asyncio.gather(*pending)
