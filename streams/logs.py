"""One log for all: our structlog events and the stdlib loggers of the client libraries.

The clients' loggers are rate-limited: through one restart of a broker they wrote 13,000 ERROR
lines, which hide the line that matters.
"""

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO

import structlog
from structlog.typing import Processor

from streams.settings import Log

CLIENTS = ("faust", "mode", "aiokafka", "kafka", "redis", "asyncio")
WINDOW_S = 10.0
PER_MESSAGE, PER_WINDOW = 3, 50

_QUIET = {
    # On a healthy broker: "NotEnoughReplicas, retrying" while the last transaction completes.
    "aiokafka.producer.sender": logging.ERROR,
    # One line for every group join and every metadata refresh.
    "aiokafka.consumer": logging.WARNING,
    "aiokafka.conn": logging.WARNING,
    "faust": logging.WARNING,
    "mode": logging.WARNING,
}


def configure_logs(log: Log, stream: TextIO | None = None) -> None:
    """Sends all logging of the process to `stream` (stdout), as one JSON object a line or pretty.

    May be called again; the last call holds.
    """
    stream = stream or sys.stdout
    pretty = log.format == "pretty" or (log.format == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(shared, pretty=pretty))
    handler.addFilter(RateLimit(time.monotonic))
    logging.basicConfig(handlers=[handler], level=log.level.upper(), force=True)
    logging.getLogger("aiokafka").setLevel(logging.NOTSET)  # a command silences it
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, logging.getLogger().level))


class RateLimit:
    """Lets 3 equal lines and 50 lines in all of a client library pass in 10 s.

    The first line after a window in which some were left out says how many in `left_out`.
    Lines of our own loggers always pass. `clock` returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._left_out: Counter[str] = Counter()

    def __call__(self, record: logging.LogRecord) -> bool:
        client = record.name.partition(".")[0]
        if client not in CLIENTS:
            return True
        if self._clock() - self._began >= WINDOW_S:
            self._began = self._clock()
            self._seen.clear()
        # The template, not the text: texts differ by node, offset or address.
        message, every = (record.name, str(record.msg)), (client, "")
        if self._seen[message] >= PER_MESSAGE or self._seen[every] >= PER_WINDOW:
            self._left_out[client] += 1
            return False
        if not self._seen[every] and self._left_out[client]:
            record.left_out = self._left_out.pop(client)
        self._seen[message] += 1
        self._seen[every] += 1
        return True


def _formatter(shared: list[Processor], *, pretty: bool) -> logging.Formatter:
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if pretty
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(allow=["left_out"])],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
