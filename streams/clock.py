"""One clock for all workers: Redis's. Asked once a second, counted on by the loop between."""

import asyncio

from redis.asyncio import Redis

from schemas.touchpoint import Millis

ASKED_EVERY = 1.0


class RedisClock:
    """Redis TIME, at most a second stale in its base and never asked once per record."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._base, self._asked = Millis(0), float("-inf")

    async def now(self) -> Millis:
        """The moment by Redis's clock, in ms."""
        elapsed = asyncio.get_running_loop().time() - self._asked
        if elapsed > ASKED_EVERY:
            return await self.exact()
        return Millis(self._base + int(elapsed * 1000))

    async def exact(self) -> Millis:
        """The moment by Redis's clock, asked just now."""
        seconds, micros = await self._redis.time()
        self._base = Millis(seconds * 1000 + micros // 1000)
        self._asked = asyncio.get_running_loop().time()
        return self._base
