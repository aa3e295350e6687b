"""One log for all, in which a noisy client library hides nothing."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from streams.logs import RateLimit, configure_logs
from streams.settings import Log


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _line(name: str, message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, message, args, None)


def test_our_events_and_the_clients_lines_are_json_objects_of_one_form() -> None:
    out = io.StringIO()
    configure_logs(Log(), out)

    structlog.get_logger("wayline.fold").info("shard taken over", shard=3)
    logging.getLogger("aiokafka.cluster").error("node %s is away", 7)

    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ours["event"], ours["shard"], ours["level"]) == ("shard taken over", 3, "info")
    assert (theirs["event"], theirs["logger"]) == ("node 7 is away", "aiokafka.cluster")


def test_a_client_that_repeats_itself_is_cut_short_and_the_rest_is_counted() -> None:
    now = 0.0
    limit = RateLimit(lambda: now)

    passed = [limit(_line("aiokafka.conn", "cannot reach %s", node)) for node in range(1_000)]
    now = 11.0
    later = _line("aiokafka.conn", "cannot reach %s", 0)

    assert sum(passed) == 3
    assert limit(later)
    assert later.__dict__["left_out"] == 997


def test_a_client_with_many_different_lines_is_cut_short_too() -> None:
    limit = RateLimit(lambda: 0.0)

    passed = [limit(_line("faust.consumer", f"message {number}")) for number in range(1_000)]

    assert sum(passed) == 50


def test_our_own_lines_always_pass() -> None:
    limit = RateLimit(lambda: 0.0)

    assert all(limit(_line("wayline.fold", "shard taken over")) for _ in range(1_000))
