"""A crowd of people and what they do: sent to a real broker while other things break.

Everybody joins once, looks at pages, and leaves carts of which some are paid in time. Half of them
are known by one identifier, and their app sends a thing twice now and then; the others come by
several identifiers, which a later touchpoint ties together.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson
from aiokafka import AIOKafkaProducer

PATIENCE, GRACE = 6_000, 1_000
"""ms: of the map `cart`, and of the workspace."""

PARTITIONS = 12


@dataclass(frozen=True, slots=True)
class Sent:
    """One touchpoint as it was sent; `time` in ms is when it happened and when it was sent."""

    id: str
    person: str
    type: str
    time: int
    identifiers: tuple[tuple[str, str], ...]
    cart: str = ""


@dataclass(slots=True)
class Crowd:
    """`sent` grows in the order of sending; the same seed makes the same crowd."""

    dice: random.Random
    people: int
    sent: list[Sent] = field(default_factory=list)
    _partitions: dict[str, int] = field(default_factory=dict)

    async def live(self, producer: AIOKafkaProducer, topic: str, seconds: float) -> None:
        """Acts for so long; every touchpoint is acknowledged when this returns."""
        ends = time.monotonic() + seconds
        plans = [self._plan(f"p{number}") for number in range(self.people)]
        pending: list[asyncio.Future[object]] = []
        while time.monotonic() < ends:
            for deed in _next_of_some(plans, self.dice):
                pending += await self._send(producer, topic, *deed)
            await asyncio.sleep(self.dice.uniform(0.02, 0.1))
        await asyncio.gather(*pending)

    def _plan(self, person: str) -> "Iterator[tuple[str, str, dict[str, str], str]]":
        """What this person does, one thing after the other, without end."""
        member = {"user_id": person}
        if not is_known_by_one(person):
            for number in range(2):
                yield "page.viewed", person, {"cookie": f"{person}-c{number}"}, ""
            if (
                int(person[1:]) % 4 == 3
            ):  # else she is first known by a cookie, and only then by name
                yield "page.viewed", person, member, ""
            for number in range(2):
                yield "page.viewed", person, {"cookie": f"{person}-c{number}", **member}, ""
        yield "member.joined", person, member, ""
        carts = 0
        while True:
            cart, carts = f"{person}-{carts}", carts + 1
            yield "cart.left", person, member, cart
            yield "page.viewed", person, member, ""
            if self.dice.random() < 0.5:
                yield "order.paid", person, member, cart

    async def _send(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        kind: str,
        person: str,
        identifiers: dict[str, str],
        cart: str,
    ) -> "list[asyncio.Future[object]]":
        now = int(time.time() * 1000)
        sent = Sent(f"t{len(self.sent)}", person, kind, now, tuple(identifiers.items()), cart)
        self.sent.append(sent)
        value = {
            "id": sent.id,
            "type": kind,
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 1000))
            + f".{now % 1000:03}Z",
            "source": "shop",
            "identifiers": identifiers,
            "properties": {"cart_id": cart} if cart else {},
        }
        partition = self._partitions.setdefault(person, self.dice.randrange(PARTITIONS))
        twice = is_known_by_one(person) and (kind == "member.joined" or self.dice.random() < 0.05)
        record = orjson.dumps(value)
        return [
            await producer.send(topic, record, partition=partition)
            for _ in range(2 if twice else 1)
        ]


def is_known_by_one(person: str) -> bool:
    """Whether nothing is ever merged into this person."""
    return int(person[1:]) % 2 == 0


def _next_of_some(
    plans: "Sequence[Iterator[tuple[str, str, dict[str, str], str]]]", dice: random.Random
) -> "list[tuple[str, str, dict[str, str], str]]":
    return [next(plan) for plan in dice.sample(list(plans), min(len(plans), 8))]
