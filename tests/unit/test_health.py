"""What a worker answers to those who watch it."""

import socket

import aiohttp
import pytest

from streams.health import served
from streams.metrics import Figures
from streams.settings import Metrics, SettingsError


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


async def test_a_map_that_did_nothing_yet_is_shown_at_zero() -> None:
    figures = Figures()
    figures.bind(["welcome"], ["sms"])

    async with served(Metrics(port=_free_port()), figures.registry, list) as port:
        status, text = await _get(port, "/metrics")

    assert status == 200
    assert 'wayline_actions_total{channel="sms",map="welcome"} 0.0' in text


async def test_a_worker_that_is_not_ready_says_why() -> None:
    where = Metrics(port=_free_port())

    async with served(where, Figures().registry, lambda: ["shard 3 is being taken over"]) as port:
        ready = await _get(port, "/readyz")
        alive = await _get(port, "/healthz")

    assert ready == (503, "shard 3 is being taken over\n")
    assert alive == (200, "ok\n")


async def test_a_port_that_is_taken_is_refused_by_the_name_of_its_setting() -> None:
    where = Metrics(port=_free_port())

    async with served(where, Figures().registry, list):
        with pytest.raises(SettingsError, match="WAYLINE_METRICS__PORT"):
            async with served(where, Figures().registry, list):
                pass


async def test_port_zero_serves_nothing() -> None:
    async with served(Metrics(port=0), Figures().registry, list) as port:
        pass

    assert port == 0


def test_a_shard_that_left_is_no_longer_shown() -> None:
    figures = Figures()
    figures.lag.labels("3").set(7)

    figures.forget(3)
    figures.forget(3)

    assert not figures.registry.get_sample_value("wayline_inbox_lag_records", {"shard": "3"})
