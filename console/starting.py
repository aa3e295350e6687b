"""A whole Wayline on this machine for the time of a block: broker, Redis, topics, maps, workers.

Used by `dev` and `demo`. Whatever ends the block, nothing of it is left behind.
"""

import asyncio
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType

from console.creating import Wanted, wanted_of
from console.publication import publish
from console.refusals import CannotRun
from journeys.language.workspace import compile_workspace
from streams.children import Child
from streams.embedded import Embedded, embedded, free_port
from streams.settings import Settings, environment
from streams.topics_admin import open_workspace

READY_WITHIN_S = 60.0
ENDED_WITHIN_S = 15.0

_ENDING = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Running:
    """What runs. `settings` are for clients; `workers` end with the block."""

    base: Embedded
    settings: Settings
    workers: Sequence[Child]
    metrics: Sequence[str]
    """Addresses of the workers' figures."""


@contextmanager
def running(
    documents: Mapping[str, str], workers: int = 1, level: str = "error"
) -> Iterator[Running]:
    """1 broker and Redis, 2 topics and what must stand in them, 3 the maps, 4 workers, ready.

    Raises MapError before anything is started, CannotEmbed and CannotRun with what to do.
    """
    wanted = wanted_of(compile_workspace(documents).workspace)
    with embedded() as base:  # 1
        settings = base.settings()
        base.broker.create(wanted.specs(settings.topics))  # 2
        asyncio.run(_opened(settings, wanted))
        asyncio.run(publish(settings, documents))  # 3
        with working(settings, workers, level) as (children, addresses):  # 4
            yield Running(base, settings, children, addresses)


@contextmanager
def working(
    settings: Settings, workers: int, level: str = "error"
) -> Iterator[tuple[list[Child], list[str]]]:
    """So many workers with these settings, ready; and the addresses of their figures."""
    children: list[Child] = []
    addresses: list[str] = []
    with ExitStack() as ends:
        for _ in range(workers):
            port = free_port()
            children.append(_worker(settings, port, level))
            addresses.append(f"http://127.0.0.1:{port}")
            ends.callback(children[-1].end, ENDED_WITHIN_S)
        for child, address in zip(children, addresses, strict=True):
            _wait_until_ready(child, address)
        yield children, addresses


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """A closed terminal and SIGTERM end the block as Ctrl-C does: by KeyboardInterrupt."""

    def interrupt(_: int, __: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    # A shell starts what follows `&` with SIGINT ignored, and then nothing would end the block.
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler)}
    before |= {number: signal.signal(number, interrupt) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _opened(settings: Settings, wanted: Wanted) -> None:
    connection, topics = settings.connection, settings.topics
    await open_workspace(connection, topics, topics.sources(wanted.sources), wanted.clock)


def _worker(settings: Settings, port: int, level: str) -> Child:
    """Its log goes where ours goes, on stderr: stdout is the command's own."""
    variables = environment(settings) | {
        "WAYLINE_METRICS__PORT": str(port),
        "WAYLINE_LOG__LEVEL": level,
        "WAYLINE_LOG__FORMAT": "pretty" if sys.stderr.isatty() else "json",
    }
    command = [sys.executable, "-m", "console.cli.main", "worker"]
    return Child(command, os.environ | variables, log=sys.stderr.fileno())


def _wait_until_ready(child: Child, address: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if child.ended() is not None:
            raise CannotRun("The worker ended before it was ready; what it said is above.")
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=1.0):
                return
        except OSError:  # nobody listens yet, or 503: it is not ready yet
            time.sleep(0.05)
    raise CannotRun(f"The worker was not ready within {READY_WITHIN_S:.0f} s.")
