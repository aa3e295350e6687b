"""Weather is waited for, and said once for all who wait."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from streams.logs import configure_logs
from streams.settings import Log
from streams.weather import Crowd, outlast

AWAY = RedisConnectionError("nobody listens")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, as JSON lines."""
    root, out = logging.getLogger(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    configure_logs(Log(format="json"), out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _said(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_36_who_wait_for_one_redis_are_one_line_and_later_one_with_their_number(
    lines: io.StringIO,
) -> None:
    crowd = Crowd()

    for second in range(13):
        for lane in range(36):
            crowd.joins(lane, f"folding shard {lane}", AWAY, float(second))

    first, second_ = _said(lines)
    assert (first["event"], first["waiting"], first["what"]) == ("waiting", 1, "folding shard 0")
    assert (second_["event"], second_["waiting"]) == ("waiting", 36)
    assert (first["server"], first["why"]) == ("Redis", "ConnectionError: nobody listens")


def test_another_kind_of_weather_is_a_line_of_its_own(lines: io.StringIO) -> None:
    crowd = Crowd()

    crowd.joins(1, "folding shard 1", AWAY, 0.0)
    crowd.joins(2, "folding shard 2", RedisTimeoutError("too late"), 0.0)

    assert [line["waiting"] for line in _said(lines)] == [1, 1]


def test_that_it_has_passed_is_said_when_the_last_one_goes_on(lines: io.StringIO) -> None:
    crowd = Crowd()
    crowd.joins(1, "folding shard 1", AWAY, 0.0)
    crowd.joins(2, "folding shard 2", AWAY, 0.0)

    crowd.leaves(1, 4.0)
    crowd.leaves(2, 5.0)
    crowd.leaves(3, 6.0)

    _, passed = _said(lines)
    assert (passed["event"], passed["seconds"]) == ("waiting no longer", 5.0)


def test_weather_that_comes_and_goes_is_not_a_line_each_time(lines: io.StringIO) -> None:
    crowd = Crowd()

    for moment in range(9):
        crowd.joins(moment, "stitching touchpoints/1", AWAY, float(moment))
        crowd.leaves(moment, moment + 0.1)

    assert [line["event"] for line in _said(lines)] == ["waiting", "waiting no longer"]


async def test_an_action_is_tried_again_until_the_weather_has_passed(lines: io.StringIO) -> None:
    tries = 0

    async def action() -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise AWAY
        return tries

    done = await outlast(action, "trying", crowd=Crowd())

    assert done == 3
    assert [line["event"] for line in _said(lines)] == ["waiting", "waiting no longer"]


async def test_patience_ends_with_the_failure_itself() -> None:
    async def action() -> None:
        raise AWAY

    with pytest.raises(RedisConnectionError, match="nobody listens"):
        await outlast(action, "trying", patience=0.0, crowd=Crowd())
