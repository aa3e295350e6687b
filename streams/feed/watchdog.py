"""A thread that ends a worker which is alive and does nothing, so that a supervisor restarts it.

aiokafka parks a fatal error of its group coordinator until somebody calls `getmany()`, and Faust
never does: the process goes on for ever without a partition and often without a line of log.
"""

import faulthandler
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .lanes import Lanes

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h."""


@dataclass(slots=True)
class Watchdog:
    """Ends the process with code 70 and all stacks on stderr when

    - the group coordinator has failed, or its task has ended,
    - the worker is neither in the group nor joining it for `stall` seconds,
    - the event loop has not turned for `loop_stall` seconds,
    - records wait and nothing was finished for `stall` seconds,
    - it was told to stop `ending` seconds ago: without a broker Faust's end waits for ever.
    """

    app: Any
    lanes: Lanes
    stall: float = 300.0
    loop_stall: float = 60.0
    ending: float = 20.0
    every: float = 1.0
    _beat: float = field(default_factory=time.monotonic)
    _well: float = field(default_factory=time.monotonic)
    _before: object = None
    _ends: float | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(self.every):
            try:
                self.app.loop.call_soon_threadsafe(self._heard)
            except RuntimeError:  # the loop is closed: the worker is at its end
                return
            wrong = self._wrong()
            if wrong and not self._stop.is_set():
                _die(wrong)

    def _heard(self) -> None:
        """Runs in the loop, where lanes may be read."""
        self._beat = time.monotonic()
        positions = self.lanes.positions()
        behind = any(not self.lanes.at_end(partition) for partition in positions)
        if positions != self._before or not behind:
            self._before, self._well = positions, self._beat

    def _wrong(self) -> str | None:
        now = time.monotonic()
        if now - self._beat > self.loop_stall:
            return f"the event loop has not turned for {now - self._beat:.0f} s"
        if self.app.should_stop:
            self._ends = self._ends or now + self.ending
            return f"told to stop {self.ending:.0f} s ago" if now > self._ends else None
        coordinator = _coordinator(self.app)
        if failed := _failed(coordinator):
            return failed
        if self.app.rebalancing or coordinator is None or not coordinator.member_id:
            if now - self._well > self.stall:
                return f"not in the consumer group for {self.stall:.0f} s"
        elif now - self._well > self.stall:
            return f"records wait and nothing was finished for {self.stall:.0f} s"
        return None


def _coordinator(app: Any) -> Any:
    thread = getattr(getattr(app, "_consumer", None), "_thread", None)
    return getattr(getattr(thread, "_consumer", None), "_coordinator", None)


def _failed(coordinator: Any) -> str | None:
    error = getattr(coordinator, "_pending_exception", None)
    if error is not None:
        return f"the group coordinator failed: {error!r}"
    task = getattr(coordinator, "_coordination_task", None)
    if task is not None and task.done() and not task.cancelled():
        return f"the group coordinator's task ended: {task.exception()!r}"
    return None


def _die(why: str) -> None:
    try:
        stderr = sys.__stderr__
        if stderr is not None:
            stderr.write(f"watchdog: {why}; exit {EXIT_CODE}\n")
            stderr.flush()
            faulthandler.dump_traceback(file=stderr, all_threads=True)
    finally:  # also where stderr is a terminal that was closed: writing to it fails
        os._exit(EXIT_CODE)  # the loop may be blocked, so nobody can be asked to stop
