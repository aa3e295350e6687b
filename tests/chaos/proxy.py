"""A way to a server that can be cut or fall silent: what a network does."""

import asyncio
import socket
from contextlib import suppress

CHUNK = 1 << 16


class Proxy:
    """Passes bytes between `port` and a server of this machine, both ways, while it is open."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._target = 0
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None] | None] = set()
        self._flows = asyncio.Event()

    async def __aenter__(self) -> "Proxy":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def open(self, target: int | None = None) -> None:
        """Lets connections in again; `target` is the server's port, from the first time on."""
        self._target = target or self._target
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Ends all connections and refuses new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*filter(None, self._serving))

    def stall(self) -> None:
        """Nothing passes, and nobody is told: half-open connections. `open` ends it."""
        self._flows.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side ends or the way is cut."""
        serving = asyncio.current_task()
        self._serving.add(serving)
        try:
            await self._pass_on(reader, writer)
        finally:
            self._serving.discard(serving)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            await _closed(writer)
            return
        ways = (self._pump(reader, back), self._pump(there, writer))
        pumps = {asyncio.create_task(way) for way in ways}
        self._pumps |= pumps
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        self._pumps -= pumps
        await asyncio.gather(*pumps, _closed(writer), _closed(back), return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
