"""Other terminals find the development instance while it lives, and only then."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from console.connections import settings_for
from console.instances import announced, running_variables

VARIABLES = {"WAYLINE_KAFKA__BOOTSTRAP": "127.0.0.1:4711"}


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list(os.environ):
        if name.startswith("WAYLINE_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)})
    return tmp_path / "wayline" / "dev.json"


def test_an_instance_is_found_while_it_runs(runtime: Path) -> None:
    with announced(VARIABLES):
        during = running_variables()

    assert during == VARIABLES
    assert running_variables() is None
    assert not runtime.parent.exists()


def test_only_its_user_may_read_it(runtime: Path) -> None:
    with announced(VARIABLES):
        mode = stat.S_IMODE(runtime.stat().st_mode)

    assert mode == 0o600


def test_an_instance_that_was_killed_is_not_found(runtime: Path) -> None:
    command = [sys.executable, "-c", "import os; print(os.getpid())"]
    ended = subprocess.run(command, check=True, capture_output=True)
    runtime.parent.mkdir()
    runtime.write_text(json.dumps({"pid": int(ended.stdout), "variables": VARIABLES}))

    assert running_variables() is None


def test_a_file_that_is_cut_short_is_no_instance(runtime: Path) -> None:
    runtime.parent.mkdir()
    runtime.write_text('{"pid": ')

    assert running_variables() is None


def test_a_second_instance_takes_over_and_the_first_leaves_its_file_alone(runtime: Path) -> None:
    with announced(VARIABLES):
        runtime.write_text(json.dumps({"pid": os.getppid(), "variables": VARIABLES}))

    assert runtime.exists()


def test_a_command_uses_it_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with announced(VARIABLES):
        settings = settings_for()

    assert settings.kafka.bootstrap == "127.0.0.1:4711"
    assert "using the development instance at 127.0.0.1:4711" in capsys.readouterr().err


def test_a_broker_that_was_named_goes_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    with announced(VARIABLES):
        settings = settings_for(kafka="broker:9092")

    assert settings.kafka.bootstrap == "broker:9092"
    assert capsys.readouterr().err == ""
