"""What a worker answers to those who watch it."""

import socket

import aiohttp
import pytest

from journeys.engine.effects import Output, Shard
from schemas.touchpoint import Millis
from streams.health import served
from streams.metrics import Metrics
from streams.settings import MetricsAt, SettingsError


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _get(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_what_was_counted_is_shown() -> None:
    metrics = Metrics()
    metrics.stitched("touchpoints", 3)

    async with served(MetricsAt(port=_free_port()), metrics.registry, list) as port:
        status, text = await _get(port, "/metrics")

    assert status == 200
    assert 'wayline_touchpoints_total{topic="touchpoints"} 3.0' in text


async def test_a_worker_that_is_not_ready_says_why() -> None:
    where = MetricsAt(port=_free_port())

    async with served(where, Metrics().registry, lambda: ["shard 3 is being taken over"]) as port:
        ready = await _get(port, "/readyz")
        alive = await _get(port, "/healthz")

    assert ready == (503, "shard 3 is being taken over\n")
    assert alive == (200, "ok\n")


async def test_a_port_that_is_taken_is_refused_by_the_name_of_its_setting() -> None:
    where = MetricsAt(port=_free_port())

    async with served(where, Metrics().registry, list):
        with pytest.raises(SettingsError, match="WAYLINE_METRICS__PORT"):
            async with served(where, Metrics().registry, list):
                pass


async def test_port_zero_serves_nothing() -> None:
    async with served(MetricsAt(port=0), Metrics().registry, list) as port:
        pass

    assert port == 0


def test_a_partition_that_left_is_no_longer_shown() -> None:
    metrics = Metrics()
    metrics.behind({("inbox", 3): 7, ("inbox", 4): 8})

    metrics.behind({("inbox", 4): 9})

    def lag(partition: str) -> float | None:
        labels = {"topic": "inbox", "partition": partition}
        return metrics.registry.get_sample_value("wayline_lag_records", labels)

    assert (lag("3"), lag("4")) == (None, 9)


def test_instances_that_got_stuck_count_by_map() -> None:
    metrics = Metrics()
    stuck = b'{"id":"a","kind":"stuck","map":"welcome"}'
    moved = b'{"id":"b","kind":"move","map":"welcome"}'

    rows = [Output(5, "transitions", "p1", row) for row in (stuck, moved)]
    metrics.folded(Shard(3, 12), rows)

    count = metrics.registry.get_sample_value("wayline_stuck_instances_total", {"map": "welcome"})
    assert count == 1


def test_actions_count_by_map_and_channel_and_time_is_told_in_seconds() -> None:
    metrics = Metrics()
    source = (("ce_source", b"/maps/welcome/7"),)
    sent = Output(5, "actions.sms", "p1", b"{}", source)

    metrics.folded(Shard(3, 12, time=Millis(1_500)), [sent, Output(5, "transitions", "p1", b"")])

    labels = {"map": "welcome", "channel": "sms"}
    assert metrics.registry.get_sample_value("wayline_actions_total", labels) == 1
    assert metrics.registry.get_sample_value("wayline_shard_time_seconds", {"shard": "3"}) == 1.5
