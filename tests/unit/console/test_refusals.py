"""What a user can do never ends in a traceback; a bug does."""

from pathlib import Path

import pytest
import redis.exceptions
from aiokafka import errors
from confluent_kafka import KafkaError, KafkaException

from console.cli.main import run
from console.refusals import sentence
from streams.imports import UnreadableFile
from streams.ports import Fenced, Halt

AWAY = KafkaException(KafkaError(KafkaError._TRANSPORT, "Failed to get metadata"))
FORBIDDEN = KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "not yours"))


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Halt("Shard 3: no."), 1, "Shard 3: no."),
        (UnreadableFile("a.csv cannot be read."), 2, "a.csv cannot be read."),
        (errors.KafkaConnectionError("refused"), 2, "Kafka cannot be reached."),
        (errors.UnknownTopicOrPartitionError(), 2, "wayline topics create"),
        (AWAY, 2, "Kafka cannot be reached."),
        (FORBIDDEN, 2, "Kafka refused: not yours."),
        (Fenced("publish: ProducerFenced()"), 2, "run it again"),
        (redis.exceptions.AuthenticationError(), 2, "WAYLINE_REDIS__URL"),
        (redis.exceptions.ConnectionError(), 2, "Redis cannot be reached."),
        (PermissionError(13, "Permission denied", "/x"), 2, "/x: Permission denied."),
        (OSError(98, "address already in use"), 2, "address already in use."),
        (FileNotFoundError("The example was left out."), 2, "The example was left out."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_expected_failure_is_one_sentence(error: Exception, code: int, words: str) -> None:
    found = sentence(error)

    assert found is not None
    assert found[0] == code
    assert words in found[1]


def test_a_bug_keeps_its_traceback() -> None:
    assert sentence(KeyError("x")) is None


def test_an_argument_that_is_no_text_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["who", "phone:\udcff"]) == 2
    assert "is not UTF-8" in capsys.readouterr().err


def test_a_workspace_with_a_mistake_is_refused_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wayline.yaml").write_text("workspace: [\n")

    code = run(["publish", str(tmp_path), "--kafka", "127.0.0.1:1"])

    assert code == 1
    assert "wayline.yaml:" in capsys.readouterr().err
