"""One touchpoint, checked as stitch would check it, then put on its topic."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from console.connections import redis_of, require_topics
from console.people import rules_in_force
from console.refusals import Refused
from journeys.identity.claims import Claims
from journeys.identity.operations import asked_for, operation
from schemas.intake import Raw, decode
from schemas.touchpoint import Millis
from streams.clock import RedisClock
from streams.settings import Settings


def document(
    kind: str,
    identifiers: Sequence[str],
    properties: Sequence[str],
    traits: Sequence[str],
    further: Mapping[str, str | None],
) -> bytes:
    """The native form of what was given as options; raises Refused for one without `=`."""
    names: dict[str, list[str]] = {}
    for option in identifiers:
        name, value = _pair("--id", option)
        names.setdefault(name, []).append(value)
    written: dict[str, Any] = {"type": kind, "identifiers": names}
    for field, option, given in (
        ("properties", "--property", properties),
        ("traits", "--trait", traits),
    ):
        if given:
            written[field] = {n: _value(v) for n, v in (_pair(option, each) for each in given)}
    written |= {name: value for name, value in further.items() if value is not None}
    return orjson.dumps(written)


async def send(settings: Settings, values: Sequence[bytes]) -> list[str]:
    """Checks all, then sends all; returns their ids.

    Raises ContractError or Refused for the first that stitch would put to the dead letters: then
    nothing was sent.
    """
    topic = settings.topics.touchpoints
    await require_topics(settings, [topic])
    async with redis_of(settings) as redis:
        now = Millis(await RedisClock(redis).exact())
        claims = Claims(await rules_in_force(settings, redis))
    keys = [_checked(topic, value, now, claims) for value in values]
    producer = AIOKafkaProducer(**settings.connection.client(), enable_idempotence=True)
    await producer.start()
    try:
        return [
            await _produced(producer, topic, key, value)
            for key, value in zip(keys, values, strict=True)
        ]
    finally:
        await producer.stop()


def _checked(topic: str, value: bytes, now: Millis, claims: Claims) -> bytes | None:
    """Its key, so that one person's touchpoints keep their order; raises what `send` does."""
    touchpoint = decode(Raw(topic, 0, 0, now, None, value), None, now)
    claim = claims.read(touchpoint.identifiers, touchpoint.time)
    names = [f"{name}:{one}" for name, some in touchpoint.identifiers.items() for one in some]
    kind = asked_for(touchpoint.type)
    asks = kind is not None and not operation(kind, names, claims, now).is_of_nobody
    if claim.rejected and not claim.usable and not asks:
        why = ", ".join(f"{identifier} ({reason})" for identifier, reason in claim.rejected)
        raise Refused(f"None of its identifiers says who it is: {why}.")
    for name, values in touchpoint.identifiers.items():
        if values:
            return f"{name}:{values[0]}".encode()
    return None


async def _produced(producer: AIOKafkaProducer, topic: str, key: bytes | None, value: bytes) -> str:
    sent = await producer.send_and_wait(topic, value, key)
    given = orjson.loads(value).get("id")
    return str(given) if given else f"{topic}-{sent.partition}-{sent.offset}"


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise Refused(f"{option} {text}: write a name, = and a value, as in {option} name=value.")
    return name, value


def _value(text: str) -> Any:
    """JSON where it is (199, true, "9912"), else the text itself."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
