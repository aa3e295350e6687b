"""A small stream of touchpoints for a development instance: people who join, leave carts, pay."""

import asyncio
from itertools import count
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from streams.settings import Settings

EVERY_S = 2.0
PEOPLE = ("Li", "Wang", "Zhang", "Liu", "Chen", "Yang", "Zhao", "Huang")


async def traffic(settings: Settings) -> None:
    """Goes on until it is cancelled; two of three carts are paid in time."""
    producer = AIOKafkaProducer(**settings.connection.client())
    await producer.start()
    try:
        for turn in count():
            for person, touchpoint in _turn(turn):
                value = orjson.dumps({"identifiers": {"phone": person}, **touchpoint})
                await producer.send_and_wait(settings.topics.touchpoints, value, person.encode())
                await asyncio.sleep(EVERY_S)
    finally:
        await producer.stop()


def _turn(turn: int) -> list[tuple[str, dict[str, Any]]]:
    """Who does what: phone number and touchpoint."""
    number = turn % len(PEOPLE)
    properties = {"cart_id": f"demo-{turn}", "amount": 40 + 7 * (turn % 20)}
    joined = {"type": "member.joined", "traits": {"first_name": PEOPLE[number]}}
    left = {"type": "cart.left", "properties": properties}
    paid = {"type": "order.paid", "properties": properties}
    done = [*([joined] if turn < len(PEOPLE) else []), left, *([paid] if turn % 3 else [])]
    return [(f"139001390{number:02}", touchpoint) for touchpoint in done]
