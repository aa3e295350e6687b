"""Weather: a broker or Redis that is away, a crowd at identity. It passes, or a supervisor acts.

Only calls that may be made again are waited for here. A publication whose outcome is unknown is
not weather: it is `Fenced`, and the owner takes over again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from aiokafka.errors import KafkaError
from redis.exceptions import BusyLoadingError
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

T = TypeVar("T")
log = structlog.get_logger()


async def outlast(action: Callable[[], Awaitable[T]], what: str, patience: float = 120.0) -> T:
    """The action's result, tried again through `patience` seconds of weather, then raised."""
    loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
    give_up = loop.time() + patience
    while True:
        try:
            return await action()
        except WEATHER as weather:
            if loop.time() > give_up:
                raise
            log.warning("waiting", what=what, why=repr(weather), seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
