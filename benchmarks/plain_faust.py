"""Contestant b: the same job as one would write it from the tutorials of Faust and redis-py.

One agent, one touchpoint at a time: find the person by her identifier or make her, load her
profile, move her through one win-back journey, store her, note when to look again, and produce
the action. No batches, no transactions, no recovery: it may lose and double, Wayline may not.
    python -m benchmarks.plain_faust BOOTSTRAP SOURCE TARGET REDIS
"""

import sys
import uuid
from datetime import datetime, timedelta

import faust
import orjson
from redis.asyncio import Redis

from benchmarks.load import PURCHASE

WAIT = timedelta(days=30)
REMEMBERED = 20


def service(bootstrap: str, source: str, target: str, url: str) -> faust.App:
    app = faust.App(
        source,  # its consumer group, new in each round
        broker=f"kafka://{bootstrap}",
        value_serializer="raw",
        key_serializer="raw",
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
    )
    touchpoints, actions = app.topic(source), app.topic(target)
    # redis-py 8 with its default time-outs needs a third more: given away in its favour.
    redis = Redis.from_url(url, socket_timeout=None, socket_connect_timeout=None)

    @app.agent(touchpoints)
    async def journey(stream: faust.StreamT) -> None:
        async for value in stream:
            touchpoint = orjson.loads(value)
            person = await found(redis, touchpoint["identifiers"])
            profile = await loaded(redis, person)
            action = moved(profile, touchpoint)
            await stored(redis, person, profile)
            if action:
                await actions.send(key=person.encode(), value=orjson.dumps(action))

    return app


async def found(redis: Redis, identifiers: dict[str, str]) -> str:
    """Whose they are; a new person where nobody is."""
    names = [f"identifier:{kind}:{value}" for kind, value in identifiers.items()]
    for known in await redis.mget(names):
        if known:
            return str(known.decode())
    person = uuid.uuid4().hex
    await redis.mset(dict.fromkeys(names, person))
    return person


async def loaded(redis: Redis, person: str) -> dict:
    value = await redis.get(f"profile:{person}")
    return orjson.loads(value) if value else {"person": person, "history": [], "stage": None}


def moved(profile: dict, touchpoint: dict) -> dict | None:
    """The journey: a purchase thanks her and starts the wait for the next one."""
    profile["history"] = [*profile["history"], touchpoint][-REMEMBERED:]
    if touchpoint["type"] != PURCHASE:
        return None
    due = datetime.fromisoformat(touchpoint["time"]) + WAIT
    profile["stage"], profile["due"] = "waiting", due.timestamp()
    return {
        "action_id": uuid.uuid4().hex,
        "person": profile["person"],
        "template": "thanks",
        "with": {"amount": touchpoint["properties"]["amount"]},
    }


async def stored(redis: Redis, person: str, profile: dict) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.set(f"profile:{person}", orjson.dumps(profile))
        if "due" in profile:
            pipe.zadd("due", {person: profile["due"]})
        await pipe.execute()


if __name__ == "__main__":
    app = service(*sys.argv[1:])
    sys.argv[1:] = ["worker", "-l", "error", "--without-web"]
    app.main()
