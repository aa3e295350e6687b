"""The command line: help, exit codes, and one sentence for what can go wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.cli.main import run

NOBODY = "127.0.0.1:1"
"""A port on which nothing listens."""

COMMANDS = [
    [],
    *([name] for name in ("demo", "dev", "worker", "publish", "check", "send", "import")),
    *([name] for name in ("test", "draw", "simulate", "schema")),
    *([name] for name in ("backtest", "diff", "explain")),
    *(
        [name]
        for name in (
            "actions",
            "who",
            "show",
            "hold",
            "release",
            "pause",
            "resume",
            "drain",
            "stop",
            "archive",
            "recompute",
            "status",
            "version",
        )
    ),
    *(["topics", name] for name in ("create", "verify")),
    ["retry"],
    ["cursor", "set"],
    *(["identity", name] for name in ("test", "rehearse")),
    *(["dlq", name] for name in ("ls", "show", "replay")),
]


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("WAYLINE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder with one map that is right."""
    folder = tmp_path / "shop"
    (folder / "maps").mkdir(parents=True)
    (folder / "wayline.yaml").write_text(
        "workspace: shop\ntimezone: UTC\nchannels:\n  sms: {identifier: phone}\n"
    )
    (folder / "maps" / "hello.yaml").write_text(
        "map: hello\nversion: 1\nenter: {event: joined}\n"
        "stages:\n  greet:\n    after: {wait: 1d, end: over}\n"
    )
    return folder


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = run([*command, "--help"])

    assert code == 0
    said = capsys.readouterr().out
    assert "Usage: wayline" in said
    assert not command or "Examples" in said


def test_a_command_that_does_not_exist_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pubish"]) == 2
    assert "No such command" in capsys.readouterr().err


def test_help_loads_nothing_it_does_not_need() -> None:
    program = (
        "import sys; from console.cli.main import run; run(['--help']); "
        "print([m for m in ('aiokafka', 'faust', 'pydantic') if m in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stderr.decode().strip() == "[]"


def test_a_workspace_without_a_problem_passes(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(workspace)]) == 0
    assert "no problem. Maps: hello 1." in capsys.readouterr().out


def test_a_mistake_is_shown_with_its_line_and_a_mark(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _break(workspace)

    code = run(["check", str(workspace)])

    assert code == 1
    out, said = capsys.readouterr()
    assert out == ""
    assert said.startswith("maps/hello.yaml:6:")
    assert "6 |     after: {wait: 1d, to: nowhere}" in said
    assert "[no-such-stage]" in said


def test_a_script_reads_problems_as_json(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _break(workspace)

    code = run(["check", str(workspace), "--json"])

    assert code == 1
    [problem] = json.loads(capsys.readouterr().out)
    assert (problem["file"], problem["line"], problem["code"]) == (
        "maps/hello.yaml",
        6,
        "no-such-stage",
    )


def test_a_pull_request_shows_a_problem_at_its_line(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _break(workspace)

    run(["check", str(workspace), "--format", "github"])

    said = capsys.readouterr().out
    assert said.startswith(f"::error file={workspace.as_posix()}/maps/hello.yaml,line=6,")


def test_a_warning_is_printed_and_lets_the_check_pass(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = workspace / "maps" / "hello.yaml"
    file.write_text(file.read_text() + "title: AKIAABCDEFGHIJKLMNOP\n")

    options: tuple[list[str], ...] = ([], ["--format", "github"], ["--json"])
    codes = [run(["check", str(workspace), *each]) for each in options]

    said = capsys.readouterr()
    annotation, listed = said.out.partition("::warning ")[2].split("\n", 1)
    assert codes == [0, 0, 0]
    assert "Warning: This looks like a secret" in said.err
    assert f"{workspace}: 1 warning." in said.err
    assert annotation.startswith(f"file={workspace.as_posix()}/maps/hello.yaml,line=")
    (only,) = json.loads(listed[listed.index("[") :])
    assert (only["code"], only["severity"]) == ("looks-like-a-secret", "warning")


def test_a_folder_that_is_no_workspace_cannot_be_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(tmp_path)]) == 2
    assert "holds no wayline.yaml" in capsys.readouterr().err


def test_a_misspelt_setting_stops_a_command_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAYLINE_KAFKA__BOOTSTRP", NOBODY)

    code = run(["status"])

    assert code == 2
    assert "Did you mean WAYLINE_KAFKA__BOOTSTRAP?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [["status"], ["hold"], ["actions"], ["dlq", "ls"], ["who", "phone:13800138000"]],
    ids=" ".join,
)
def test_servers_that_are_away_are_one_sentence_that_says_what_to_do(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    redis = ["--redis", f"redis://{NOBODY}/0"] if command[0] == "who" else []

    code = run([*command, "--kafka", NOBODY, *redis])

    said = capsys.readouterr().err
    assert code == 2
    assert "cannot be reached" in said
    assert "wayline dev" in said
    assert "Traceback" not in said


def test_topics_are_printed_for_those_who_may_not_create_them(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--replication", "3", "--prefix", "acme"]

    code = run(["topics", "create", str(workspace), "--print", *options])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert any("--topic acme.inbox --partitions 12 --replication-factor 3" in x for x in lines)
    assert any("--topic acme.actions.sms " in x for x in lines)


@pytest.mark.parametrize(
    "command",
    [["send"], ["send", "{}", "--type", "joined"], ["dlq", "replay"], ["import", "nothing.csv"]],
    ids=" ".join,
)
def test_wrong_usage_is_said_before_anything_is_asked_of_a_server(command: list[str]) -> None:
    assert run(command) == 2


@pytest.mark.parametrize("name", ["touchpoints/3", "touchpoints.dlq/x", "nothing"])
def test_what_is_no_dead_letters_name_is_refused_before_anything_is_asked_of_a_server(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["dlq", "show", name, "--kafka", NOBODY])

    assert code == 1
    assert f"{name} is no dead letter's name" in capsys.readouterr().err


def _break(workspace: Path) -> None:
    file = workspace / "maps" / "hello.yaml"
    file.write_text(file.read_text().replace("end: over", "to: nowhere"))


def test_a_cursor_with_another_name_than_an_agents_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["cursor", "set", "inbox-3", "7", "--kafka", NOBODY])

    assert code == 1
    assert "inbox-3 is no cursor" in capsys.readouterr().err
