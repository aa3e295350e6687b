"""Weather: a broker or Redis that is away, a crowd at identity. It passes, or a supervisor acts.

Only calls that may be made again are waited for here. A publication whose outcome is unknown is
not weather: it is `Fenced`, and the owner takes over again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from aiokafka.errors import KafkaError
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from .ports import Conflict

WEATHER = (
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    KafkaError,
    OSError,
    Conflict,
)
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
SAID_EVERY = 10.0

T = TypeVar("T")
log = structlog.get_logger()


class Crowd:
    """Those who wait, by the kind of weather; it is said for all of them, every 10 s at most.

    36 lanes wait for one Redis: a line each would bury the one that matters.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, str] = {}
        self._said: dict[str, float] = {}
        self._began: dict[str, float] = {}

    def joins(self, one: object, what: str, weather: BaseException, now: float) -> None:
        """`one` waits, perhaps still. `now` is in seconds, as is all time here."""
        server = _server(weather)
        kind = f"{server} {type(weather).__name__}"
        self._waiting[one] = kind
        if now - self._said.get(kind, -SAID_EVERY) >= SAID_EVERY:
            self._said[kind] = now
            self._began.setdefault(kind, now)
            waiting = list(self._waiting.values()).count(kind)
            why = f"{type(weather).__name__}: {weather}"
            log.warning("waiting", server=server, what=what, why=why, waiting=waiting)

    def leaves(self, one: object, now: float) -> None:
        """`one` waits no longer; that the weather has passed is said once the last one leaves."""
        kind = self._waiting.pop(one, None)
        if kind in self._began and kind not in self._waiting.values():
            seconds = round(now - self._began.pop(kind), 1)
            log.info("waiting no longer", kind=kind, seconds=seconds)


def _server(weather: BaseException) -> str:
    """Who it is that an operator has to look at."""
    match weather:
        case KafkaError():
            return "Kafka"
        case RedisError():
            return "Redis"
        case Conflict():
            return "identity"
        case _:
            return "network"


_crowd = Crowd()


async def outlast(
    action: Callable[[], Awaitable[T]], what: str, patience: float = 120.0, crowd: Crowd = _crowd
) -> T:
    """The action's result, tried again through `patience` seconds of weather, then raised."""
    loop, pause, one = asyncio.get_running_loop(), FIRST_PAUSE, object()
    give_up = loop.time() + patience
    try:
        while True:
            try:
                return await action()
            except WEATHER as weather:
                if loop.time() > give_up:
                    raise
                crowd.joins(one, what, weather, loop.time())
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
    finally:
        crowd.leaves(one, loop.time())
