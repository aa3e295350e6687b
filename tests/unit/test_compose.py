"""The compose file keeps what must be kept. Docker itself is not run here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.settings import known_variables

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_kafka_keeps_its_log_on_a_volume() -> None:
    kafka = SERVICES["kafka"]
    volume, folder = kafka["volumes"][0].split(":")

    assert kafka["environment"]["KAFKA_LOG_DIRS"] == folder
    assert volume in COMPOSE["volumes"]
    assert kafka["image"].startswith("apache/kafka:4.")
    assert kafka["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_redis_forgets_nothing() -> None:
    redis = SERVICES["redis"]
    options = redis["command"][1:]

    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--maxmemory-policy": "noeviction",
    }
    assert redis["volumes"][0].split(":") == ["redis", "/data"]


@pytest.mark.parametrize("name", ["kafka", "redis", "worker"])
def test_what_others_wait_for_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_workers_start_when_the_topics_of_the_workspace_were_made() -> None:
    topics = SERVICES["topics"]

    assert topics["command"] == ["topics", "create", "/workspace"]
    assert topics["volumes"][0].endswith(":/workspace:ro")
    assert SERVICES["worker"]["depends_on"] == {
        "topics": {"condition": "service_completed_successfully"}
    }


def test_workers_can_be_many() -> None:
    assert not {"container_name", "ports", "hostname"} & set(SERVICES["worker"])


def test_the_window_opens_only_when_asked_for() -> None:
    assert SERVICES["kafka-ui"]["profiles"] == ["window"]
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["kafka-ui"]


def test_every_setting_is_one_that_the_worker_knows() -> None:
    given = {
        name
        for service in SERVICES.values()
        for name in service.get("environment", {})
        if name.startswith("WAYLINE_")
    }

    assert given
    assert given - set(known_variables()) == set()


def test_the_image_copies_what_the_repository_has() -> None:
    recipe = SERVICES["worker"]["build"]["dockerfile_inline"]
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (.*)$", recipe, re.M)]

    assert [name for names in copied for name in names if not (ROOT / name).exists()] == []


def test_ports_of_the_host_are_on_loopback() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
