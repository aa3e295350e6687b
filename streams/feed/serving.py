"""A Faust app made, and run in the caller's own event loop, without Faust's command line."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import faust
import structlog
from faust.tables.manager import TableManager
from mode.supervisors import CrashingSupervisor
from yarl import URL

from streams.kafka import KafkaConnection

from .lanes import Lanes
from .watchdog import Watchdog

SESSION_TIMEOUT = 10.0
"""Seconds. By default a killed worker's partitions would rest a minute."""

log = structlog.get_logger()


def new_app(
    group: str,
    connection: KafkaConnection,
    lanes: Lanes,
    instance: str | None = None,
    session_timeout: float = SESSION_TIMEOUT,
) -> faust.App:
    """A Faust app whose agents are fed in batches: the body of each is `lanes.run(stream)`.

    `instance` is a stable name of this worker where it has one: a restart then moves no
    partitions, and a stopped worker's partitions rest for the session's time-out.
    """
    app = _App(group, **faust_settings(connection, instance, session_timeout))
    app.wayline_connection, app.wayline_lanes = connection, lanes
    return app


def faust_settings(
    connection: KafkaConnection,
    instance: str | None = None,
    session_timeout: float = SESSION_TIMEOUT,
) -> dict[str, Any]:
    """Faust's settings, the defaults that lose records or wait a minute replaced."""
    brokers = [URL(f"wayline://{host}") for host in connection.bootstrap.split(",")]
    return {
        "broker": brokers,
        "store": "memory://",
        "TableManager": _NoTables,
        "web_enabled": False,  # it listens on 0.0.0.0 without a password
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "stream_wait_empty": True,  # False cancels the batch in hand and commits it all the same
        "agent_supervisor": CrashingSupervisor,  # the default one skips the record that failed
        "consumer_group_instance_id": instance,
        "broker_session_timeout": session_timeout,
        "broker_heartbeat_interval": 1.0,
        "broker_request_timeout": 60.0,  # also bounds a take-over
        "broker_rebalance_timeout": 60.0,
        "broker_commit_interval": 2.0,
        "broker_max_poll_records": 2000,
        "producer_acks": -1,
    }


async def serve(app: faust.App, lanes: Lanes, watchdog: Watchdog | None = None) -> None:
    """Runs the app until SIGTERM or SIGINT, then ends it in order.

    Lanes finish their batch, positions are committed, the worker leaves its group. Raises what
    made an owner or the app fail; nothing behind that was done or committed. A worker that is
    alive and does nothing ends with code 70, by the watchdog (the usual one where none is given).
    """
    guard = watchdog or Watchdog(app, lanes)
    async with _stop_signal() as asked:
        running = asyncio.create_task(_run(app))
        guard.start()
        try:
            await asyncio.wait({asked, running, lanes.failure}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(app, lanes, running)
            guard.stop()
    if lanes.failure.done():
        lanes.failure.result()
    if app.crash_reason is not None:
        raise app.crash_reason


class _App(faust.App):  # type: ignore[misc]
    """Leaves no folders for tables behind, of which there are none."""

    def _create_directories(self) -> None: ...


class _NoTables(TableManager):  # type: ignore[misc]
    """Starts without the second that Faust gives tables to be registered."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


async def _run(app: faust.App) -> None:
    await app.start()
    await app.wait()  # until it stops or crashes


async def _end(app: faust.App, lanes: Lanes, running: "asyncio.Task[None]") -> None:
    """1 the app stops, which releases the lanes; 2 its start is not waited for any longer."""
    log.info("stopping", held=len(lanes.held()))
    await app.stop()  # 1
    running.cancel()  # 2
    with suppress(asyncio.CancelledError):
        try:
            await running
        except Exception as error:  # noqa: BLE001 - told by serve, which raises the reason
            lanes.fail(error)
    await lanes.release()


@asynccontextmanager
async def _stop_signal() -> AsyncIterator["asyncio.Future[None]"]:
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[None] = loop.create_future()

    def ask() -> None:
        if not asked.done():
            asked.set_result(None)

    signals = (signal.SIGTERM, signal.SIGINT)
    for each in signals:
        loop.add_signal_handler(each, ask)
    try:
        yield asked
    finally:
        for each in signals:
            loop.remove_signal_handler(each)
